package centre

import (
	"embed"

	"guanxi/internal/base/db"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the tables of the member centre.
var Schema = db.Schema{Feature: "centre", Files: files}

// Image is a picture of the brand.
type Image struct {
	ID     int64
	Media  string
	Data   string // base64
	Added  int64
	Author string
}

var images = db.NewTable(db.Spec[Image, int64]{
	Name: "centre_image", Keys: 1, Cols: []string{"id", "media", "data", "added_at", "author"},
	Row: func(r *Image, p []any) []any { return append(p, &r.ID, &r.Media, &r.Data, &r.Added, &r.Author) },
	Key: func(r *Image) int64 { return r.ID },
})
