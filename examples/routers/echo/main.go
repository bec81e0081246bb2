// Echo is a site on github.com/labstack/echo that keeps its privacy policy. The
// chain is around the Echo and not inside it, so that it sees what echo's own
// error handler answers.
//
//	go run ./echo [-addr 127.0.0.1:8080]
package main

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/candorhttp/candor/examples/routers/site"
	"github.com/candorhttp/candor/logging"
)

func main() { site.Main(handler) }

func handler(s *site.Site) http.Handler {
	e := echo.New()
	e.Use(route)
	// Without the print: it holds the panic's value.
	e.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true}))

	e.Any("/privacy/*", echo.WrapHandler(s.Pages))
	e.GET("/.well-known/gpc.json", echo.WrapHandler(s.Pages))

	e.GET("/", func(c echo.Context) error {
		visits := 0
		if v, err := c.Cookie("visits"); err == nil {
			visits, _ = strconv.Atoi(v.Value)
		}
		c.SetCookie(&http.Cookie{Name: "session", Value: "s1", Path: "/"})
		c.SetCookie(&http.Cookie{Name: "visits", Value: strconv.Itoa(visits + 1), Path: "/", MaxAge: 365 * 86400})
		c.SetCookie(&http.Cookie{Name: "rogue", Value: "1", Path: "/"})
		banner := s.Pages.Fragment(c.Request()) // before the first byte
		return c.HTML(http.StatusOK, fmt.Sprintf("<p>%d visits, %d cookies seen</p>%s", visits, len(c.Cookies()), banner))
	})
	e.GET("/users/:id", func(c echo.Context) error { return c.String(http.StatusOK, "a user's page") })
	e.Group("/orders").GET("/:id", func(c echo.Context) error {
		c.SetCookie(&http.Cookie{Name: "visits", Value: "7", Path: "/"})
		panic("no such order: " + c.Param("id"))
	})
	e.GET("/stream", func(c echo.Context) error {
		c.SetCookie(&http.Cookie{Name: "visits", Value: "7", Path: "/"})
		c.Response().Header().Set(echo.HeaderContentType, "text/event-stream")
		for i := range 3 {
			if _, err := fmt.Fprintf(c.Response(), "data: %d\n\n", i); err != nil {
				return err
			}
			c.Response().Flush()
			time.Sleep(10 * time.Millisecond)
		}
		return nil
	})
	return s.Middleware(e)
}

// route tells the log the template.
func route(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		template := func(*http.Request) string { return c.Path() }
		inner := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { err = next(c) })
		logging.RouteFrom(template)(inner).ServeHTTP(c.Response(), c.Request())
		return err
	}
}
