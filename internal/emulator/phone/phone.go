// Package phone is the phone-like page: choose a person, follow an account, tap its menu, scan, pay, and see what arrives. It is all
// in the browser; what it does, it does by the control API.
package phone

import (
	"embed"
	"io/fs"
	"net/http"
)

//go:embed page
var files embed.FS

// Mount serves the page at "/" and the JS-SDK that pages inside the phone load.
func Mount(page func(pattern string, h http.Handler)) {
	in, err := fs.Sub(files, "page")
	if err != nil {
		return // they are embedded
	}
	site := http.FileServerFS(in)
	page("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		site.ServeHTTP(w, r)
	}))
	for at, file := range map[string]string{"jweixin-1.6.0.js": "jweixin.js", "webview.js": "webview.js"} {
		page("GET /open/js/"+at, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "no-cache")
			http.ServeFileFS(w, r, in, file)
		}))
	}
}
