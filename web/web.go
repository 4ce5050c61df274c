// Package web holds the built web apps and serves them: the operators' console at /console, the members' app at /m.
//
// `make web` builds both into dist, which is not in git; a binary built without them still runs and says how to get them.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

//go:embed all:dist
var dist embed.FS

// The content security policies: everything from ourselves, no inline script. The member app draws codes into images and
// shows the camera; its framework writes style attributes.
const (
	consolePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; " +
		"manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"
	memberPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; " +
		"connect-src 'self'; font-src 'self' data:; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

// Where the apps stand.
const (
	ConsolePath = "/console/"
	MemberPath  = "/m/"
)

// Handler serves both apps; "/" leads to the console.
var Handler = sync.OnceValue(func() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(ConsolePath, mustApp(dist, "dist/console", ConsolePath, consolePolicy))
	mux.Handle(MemberPath, mustApp(dist, "dist/member", MemberPath, memberPolicy))
	mux.Handle("/{$}", http.RedirectHandler(ConsolePath, http.StatusFound))
	return mux
})

// file is one file of an app, ready to be sent.
type file struct {
	media, tag           string
	plain, zipped, dense []byte // as it is, by gzip, by brotli
}

// app is a built app below its prefix.
type app struct {
	prefix, policy string
	files          map[string]*file
}

// mustApp reads an app; that its folder is missing means that it was not built.
func mustApp(files fs.FS, root, prefix, policy string) *app {
	a := &app{prefix: prefix, policy: policy, files: map[string]*file{}}
	err := fs.WalkDir(files, root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, ".gz") || strings.HasSuffix(name, ".br") {
			return err
		}
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		zipped, _ := fs.ReadFile(files, name+".gz") // has none: sent as it is
		dense, _ := fs.ReadFile(files, name+".br")
		sum := sha256.Sum256(b)
		a.files[name[len(root)+1:]] = &file{mediaOf(name), base64.RawURLEncoding.EncodeToString(sum[:12]), b, zipped, dense}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		panic(err) // they are embedded
	}
	return a
}

// mediaOf does not ask the machine's list of types, which may lack or twist some.
func mediaOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".json", ".webmanifest":
		return "application/json"
	case ".woff2":
		return "font/woff2"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// ServeHTTP serves a file, or the app's page for every address that is no file: the app's own router reads it.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, a.prefix)
	f := a.files[name]
	if f == nil && path.Ext(name) != "" {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", a.policy)
	h.Set("Cache-Control", "no-cache")
	if f == nil {
		f = a.files["index.html"]
	}
	if f == nil {
		a.notBuilt(w)
		return
	}
	if strings.HasPrefix(name, "assets/") { // their names change with what they hold
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	a.send(w, r, f)
}

func (a *app) send(w http.ResponseWriter, r *http.Request, f *file) {
	h, content, tag := w.Header(), f.plain, f.tag
	h.Set("Content-Type", f.media)
	if f.zipped != nil {
		h.Add("Vary", "Accept-Encoding")
		switch {
		case f.dense != nil && takes(r, "br"):
			h.Set("Content-Encoding", "br")
			content, tag = f.dense, f.tag+"-br"
		case takes(r, "gzip"):
			h.Set("Content-Encoding", "gzip")
			content, tag = f.zipped, f.tag+"-gz"
		}
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// takes says whether the caller reads a coding; "gzip;q=0" means that it does not.
func takes(r *http.Request, want string) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		coding, quality, _ := strings.Cut(strings.TrimSpace(part), ";")
		if coding == want {
			return strings.Trim(strings.TrimPrefix(strings.TrimSpace(quality), "q="), "0.") != "" || quality == ""
		}
	}
	return false
}

const notBuiltPage = `<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>关系 Guanxi</title></head>
<body><h1>页面尚未构建</h1><p>这个程序构建时没有包含网页。请安装 Node 20 或更高版本，运行 <code>make web</code>，再运行 <code>make build</code>。接口文档：<a href="/docs/api">/docs/api</a></p>
<div lang="en"><h2>The pages were not built</h2><p>This binary was built without its web apps. Install Node 20 or newer, run <code>make web</code>, then <code>make build</code>. The API works: <a href="/docs/api">/docs/api</a></p></div></body></html>
`

func (a *app) notBuilt(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write([]byte(notBuiltPage)) // the caller has gone
}
