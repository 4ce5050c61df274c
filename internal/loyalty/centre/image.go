package centre

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strconv"

	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
)

// maxImage keeps a picture's text within what every engine holds in one column.
const maxImage = 48_000

// imagePath is where images are read; it belongs to no door, for it stands on the page of whoever comes.
const imagePath = "/media/"

// ImageURL is the address of an image, "" for none.
func ImageURL(text string) string {
	if text == "" {
		return ""
	}
	return imagePath + text
}

func checkImage(r db.Reader, text string) error {
	if text == "" {
		return nil
	}
	n, ok := id.Parse(text)
	if ok {
		_, ok = images.Get(r, n)
	}
	if !ok {
		return ErrImage.With("max", maxImage).At("image")
	}
	return nil
}

// mediaOf tells by its first bytes what a picture is. SVG is none of them: it can hold scripts.
func mediaOf(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	case len(b) > 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		return "image/webp"
	}
	return ""
}

// AddImage keeps a picture.
func AddImage(tx *db.Tx, data string) (Image, error) {
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil || len(raw) > maxImage || mediaOf(raw) == "" {
		return Image{}, ErrImage.With("max", maxImage).At("data")
	}
	i := Image{tx.ID(), mediaOf(raw), data, tx.Now(), tx.Actor()}
	return i, images.Insert(tx, i)
}

// Images serves the pictures. They never change, so whoever has one keeps it.
func Images(d *db.DB) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, ok := id.Parse(r.PathValue("id"))
		var i Image
		err := d.View(r.Context(), func(v *db.View) error {
			if ok {
				i, ok = images.Get(v, n)
			}
			return nil
		})
		raw, derr := base64.StdEncoding.DecodeString(i.Data)
		if err != nil || derr != nil || !ok {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", i.Media)
		h.Set("Content-Length", strconv.Itoa(len(raw)))
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("Content-Security-Policy", "default-src 'none'")
		_, _ = w.Write(raw)
	})
}
