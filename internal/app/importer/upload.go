package importer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/vault"
)

// The faults of files that come in over HTTP.
var (
	ErrNoFile = fault.Define("import.not_found", fault.NotFound, "导入文件不存在", "There is no such import")
	ErrPart   = fault.Define("import.part", fault.Conflict,
		"分片次序不符：应上传第 {want} 片", "This part is not the next one: part {want} is due")
	ErrSize = fault.Define("import.size", fault.Invalid,
		"内容与声明的文件大小不符", "The content is not as long as was announced")
	ErrNotWhole = fault.Define("import.not_whole", fault.Conflict,
		"文件尚未上传完整", "The file has not been uploaded whole")
	ErrBusy = fault.Define("import.busy", fault.Conflict,
		"该文件正在处理或已导入", "This file is being worked on or was taken in")
)

// The states of a file.
const (
	Uploading = "uploading"
	Ready     = "ready"   // whole; can be tried and run
	Taking    = "running" // being taken in
	Taken     = "done"
)

// File is a file on its way in.
type File struct {
	ID       int64
	Name     string
	Size     int64 // as announced
	Received int64
	Parts    int64
	Sealed   int64 // bytes that stand for Parts on the disk
	State    string
	Owner    string
	Options  string // JSON of what it was run or tried with last
	Check    int64  // task of the last dry run
	Run      int64  // task of the run
	Created  int64
}

// Files holds a row a file.
var Files = db.NewTable(db.Spec[File, int64]{
	Name: "import_file", Keys: 1,
	Cols: []string{"id", "name", "size", "received", "parts", "sealed", "state", "owner", "options", "check_id", "run_id", "created_at"},
	Row: func(r *File, p []any) []any {
		return append(p, &r.ID, &r.Name, &r.Size, &r.Received, &r.Parts, &r.Sealed, &r.State, &r.Owner, &r.Options, &r.Check, &r.Run, &r.Created)
	},
	Key: func(r *File) int64 { return r.ID },
})

// Filter says which files are wanted; empty fields are all. Text stands somewhere in the name.
type Filter struct{ State, Text string }

func (f *Filter) wants(x *File) bool {
	return (f.State == "" || x.State == f.State) && strings.Contains(strings.ToLower(x.Name), strings.ToLower(f.Text))
}

// FilesBefore lists uploaded files, newest first. A person uploads each, so that there are few: a text is looked for in all.
func FilesBefore(r db.Reader, f Filter, before int64, limit int) (out []File) {
	if before == 0 {
		before = 1<<63 - 1
	}
	all := 0
	if f == (Filter{}) {
		all = limit
	}
	for _, x := range Files.Select(r, db.Query[File]{Where: "id < ?", Args: []any{before}, Order: "id DESC", Limit: all,
		Match: func(f *File) bool { return f.ID < before }, Less: func(a, b *File) bool { return a.ID > b.ID }}) {
		if len(out) < limit && f.wants(&x) {
			out = append(out, x)
		}
	}
	return out
}

func (f *File) place() vault.Place {
	return vault.Place{Table: "import_file", Row: f.ID, Column: "file"}
}

func (im *Importer) path(id int64) string { return filepath.Join(im.Folder, fmt.Sprint(id, ".sealed")) }

// append puts a part behind those that count: what a part that was cut off has left there is overwritten.
func (im *Importer) append(f File, part []byte, last bool) (sealed int64, err error) {
	line, err := im.Vault.SealPiece(f.place(), f.Parts, part)
	if err != nil {
		return 0, err
	}
	if last {
		end, err := im.Vault.SealEnd(f.place(), f.Parts+1)
		if err != nil {
			return 0, err
		}
		line = append(line, end...)
	}
	if err := os.MkdirAll(im.Folder, 0o750); err != nil {
		return 0, err
	}
	out, err := os.OpenFile(im.path(f.ID), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	err = errors.Join(out.Truncate(f.Sealed), writeAt(out, line, f.Sealed), out.Sync())
	return f.Sealed + int64(len(line)), errors.Join(err, out.Close())
}

func writeAt(f *os.File, b []byte, at int64) error {
	_, err := f.WriteAt(b, at)
	return err
}

// reader opens the bytes of a file.
func (im *Importer) reader(f File) (io.Reader, io.Closer, error) {
	file, err := os.Open(im.path(f.ID))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, ErrNoFile.New()
	}
	if err != nil {
		return nil, nil, err
	}
	return im.Vault.OpenFile(file, f.place()), file, nil
}
