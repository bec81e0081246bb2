// Gin is a site on github.com/gin-gonic/gin that keeps its privacy policy. The
// chain is around the Engine and not inside it: gin's writer sends its header
// when it likes, and an adapter inside could not look at it in time.
//
//	go run ./gin [-addr 127.0.0.1:8080]
package main

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/candorhttp/candor/examples/routers/site"
	"github.com/candorhttp/candor/logging"
)

func main() { site.Main(handler) }

func handler(s *site.Site) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New() // not gin.Default, whose logger writes paths and addresses
	r.Use(route)
	// Without a writer: gin.Recovery prints the panic's value, and headers.
	r.Use(gin.CustomRecoveryWithWriter(nil, func(c *gin.Context, _ any) { c.AbortWithStatus(http.StatusInternalServerError) }))

	r.Any("/privacy/*page", gin.WrapH(s.Pages))
	r.GET("/.well-known/gpc.json", gin.WrapH(s.Pages))

	r.GET("/", func(c *gin.Context) {
		visits := 0
		if v, err := c.Cookie("visits"); err == nil {
			visits, _ = strconv.Atoi(v)
		}
		c.SetCookie("session", "s1", 0, "/", "", false, false)
		c.SetCookie("visits", strconv.Itoa(visits+1), 365*86400, "/", "", false, false)
		c.SetCookie("rogue", "1", 0, "/", "", false, false)
		banner := s.Pages.Fragment(c.Request) // before the first byte
		c.String(http.StatusOK, "<p>%d visits, %d cookies seen</p>%s", visits, len(c.Request.Cookies()), banner)
	})
	r.GET("/users/:id", func(c *gin.Context) { c.String(http.StatusOK, "a user's page") })
	r.Group("/orders").GET("/:id", func(c *gin.Context) {
		c.SetCookie("visits", "7", 0, "/", "", false, false)
		panic("no such order: " + c.Param("id"))
	})
	r.GET("/stream", func(c *gin.Context) {
		c.SetCookie("visits", "7", 0, "/", "", false, false)
		i := 0
		c.Stream(func(io.Writer) bool {
			c.SSEvent("", i)
			i++
			time.Sleep(10 * time.Millisecond)
			return i < 3
		})
	})
	return s.Middleware(r)
}

// route tells the log the template. gin knows it before its handlers run, and
// has none where there is no route.
func route(c *gin.Context) {
	template := func(*http.Request) string { return c.FullPath() }
	next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { c.Next() })
	logging.RouteFrom(template)(next).ServeHTTP(c.Writer, c.Request)
}
