// Package before is the service as it was found.
package before

import (
	"html/template"
	"io"
	"log"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/google/uuid"

	"github.com/candorhttp/candor/examples/migrate/roastery"
)

// New returns the service. It logs to out.
func New(secret []byte, out io.Writer, collect roastery.Collector) (http.Handler, error) {
	shop := &roastery.Shop{
		Sessions: roastery.Sessions(secret),
		Track: func(w http.ResponseWriter, r *http.Request) {
			c, err := r.Cookie("_visitor")
			if err != nil {
				c = &http.Cookie{Name: "_visitor", Value: uuid.NewString(), Path: "/", MaxAge: 2 * 365 * 86400}
				http.SetCookie(w, c)
			}
			collect(roastery.View{Visitor: c.Value, Address: r.RemoteAddr, Page: r.URL.Path, Browser: r.UserAgent()})
		},
		Remember: func(w http.ResponseWriter, _ *http.Request, email string) {
			http.SetCookie(w, &http.Cookie{Name: "last_login", Value: email, Path: "/", MaxAge: 365 * 86400})
		},
		Remembered: func(r *http.Request) string {
			if c, err := r.Cookie("last_login"); err == nil {
				return c.Value
			}
			return ""
		},
		Banner: func(*http.Request) template.HTML { return "" },
	}
	router := chi.NewRouter()
	router.Use(middleware.RequestLogger(&middleware.DefaultLogFormatter{Logger: log.New(out, "", log.LstdFlags), NoColor: true}))
	router.Use(middleware.Recoverer)
	shop.Routes(router)
	return router, nil
}
