package page

import (
	"embed"
	"net/http"
	"strings"
)

//go:embed assets
var assets embed.FS

// policy is what a browser lets the page do.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

var kinds = map[string]string{"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}

// Index is the page itself.
func Index() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { serve(w, "index.html") })
}

// Assets is what the page consists of beside that, below /console/; otherwise answers for
// what is not there.
func Assets(otherwise http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !serve(w, strings.TrimPrefix(r.URL.Path, "/console/")) {
			otherwise.ServeHTTP(w, r)
		}
	})
}

func serve(w http.ResponseWriter, name string) bool {
	text, err := assets.ReadFile("assets/" + name)
	if err != nil {
		return false
	}
	w.Header().Set("Content-Type", kinds[name[strings.LastIndexByte(name, '.')+1:]])
	w.Header().Set("Content-Security-Policy", policy)
	_, _ = w.Write(text) // whoever asked may be gone
	return true
}
