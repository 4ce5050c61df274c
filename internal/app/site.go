package app

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"time"

	"guanxi/web"
)

//go:embed web
var webFiles embed.FS

// sites are the web apps, and before them the pages that the console has not replaced yet.
func sites() http.Handler {
	apps := web.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, old := pages[r.URL.Path]; old {
			pages.ServeHTTP(w, r)
			return
		}
		apps.ServeHTTP(w, r)
	})
}

// page is one embedded file, ready to be sent.
type page struct {
	media, tag string
	content    []byte
}

// site answers with the embedded files of the console's pages; "/" is index.html.
type site map[string]page

var pages = mustReadSite(webFiles, "web")

func mustReadSite(files fs.FS, root string) site {
	s := site{}
	err := fs.WalkDir(files, root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(files, name)
		sum := sha256.Sum256(b)
		at := name[len(root):]
		if at == "/index.html" {
			at = "/"
		}
		s[at] = page{mediaOf(name), `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, b}
		return err
	})
	if err != nil {
		panic(err) // they are embedded
	}
	return s
}

// mediaOf does not ask the machine's list of types, which may lack or twist some.
func mediaOf(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return mime.TypeByExtension(path.Ext(name))
}

// ServeHTTP serves one file; browsers ask again each time whether it has changed.
func (s site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p, ok := s[r.URL.Path]
	if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", p.media)
	w.Header().Set("ETag", p.tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(p.content))
}
