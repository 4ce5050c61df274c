package web

import (
	"embed"
	"net/http"
	"strconv"
)

//go:embed reference
var referenceFiles embed.FS

// serveReference serves the description of the API and the page that shows it. The page needs nothing from elsewhere.
func (s *Server) serveReference() {
	for path, part := range map[string]struct{ file, media string }{
		"/docs/api":              {"reference/page.html", "text/html; charset=utf-8"},
		"/docs/api/reference.js": {"reference/reference.js", "text/javascript; charset=utf-8"},
		"/docs/api/style.css":    {"reference/style.css", "text/css; charset=utf-8"},
	} {
		b, err := referenceFiles.ReadFile(part.file)
		if err != nil {
			panic(err) // it is embedded
		}
		s.page(path, part.media, func() []byte { return b })
	}
	s.page("/docs/api/openapi.yaml", "application/yaml", s.OpenAPI)
	s.page("/docs/api/openapi.json", jsonMedia, func() []byte { return s.spec().json })
}

func (s *Server) page(path, media string, content func() []byte) {
	s.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
		b := content()
		pageHeaders(w.Header())
		w.Header().Set("Content-Type", media)
		w.Header().Set("Content-Length", strconv.Itoa(len(b)))
		_, _ = w.Write(b)
	})
}
