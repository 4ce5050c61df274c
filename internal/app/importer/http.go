package importer

import (
	"net/http"
	"os"
	"path"
	"strings"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/task"
	"guanxi/internal/base/web"
	"guanxi/internal/edge/orderfile"
	"guanxi/internal/loyalty/staff"
)

// Console is the routes about imports: a file comes in part by part, is looked at, tried, and taken in.
type Console struct {
	staff.Desk
	I *Importer
}

const (
	partSize = 1 << 20
	maxSize  = 2 << 30
)

// Register adds the routes.
func (k Console) Register(srv *web.Server) {
	srv.Tag("import", "导入", "Imports")
	const see, do = "view.orders", "edit.orders"
	none := []*fault.Kind{ErrNoFile}
	staff.Route(srv, staff.Get("/imports", "import.list", see, "导入记录，从新到旧", "Imports, newest first", web.ErrCursor), k.list)
	staff.Route(srv, staff.Created(staff.Change(http.MethodPost, "/imports", "import.create", do, "开始上传一个文件", "Begin to upload a file", ErrSize)), k.create)
	upload := staff.Change(http.MethodPut, "/imports/{id}/parts/{part}", "import.part", do, "上传一个分片（从 0 起，每片 1 MiB，末片可短）", "Upload a part (from 0, of 1 MiB each, the last may be shorter)", ErrNoFile, ErrPart, ErrSize)
	upload.MaxBody = partSize
	staff.Route(srv, upload, k.part)
	staff.Route(srv, staff.Get("/imports/fields", "import.fields", see, "可对应的字段", "Fields a column may be mapped to"), k.fields)
	staff.Route(srv, staff.Get("/imports/{id}", "import.get", see, "一次导入：进度、试导入结果与报告", "An import: progress, dry run and report", none...), k.get)
	staff.Route(srv, staff.Get("/imports/{id}/head", "import.head", do, "文件的列、前几行与推测的字段对应", "The file's columns, first rows and a guess what they mean", ErrNoFile, ErrNotWhole, orderfile.ErrEmpty, orderfile.ErrBinary), k.head)
	staff.Route(srv, staff.Change(http.MethodPost, "/imports/{id}/check", "import.check", do, "试导入：通读文件，列出被拒的行，不作任何更改", "Dry run: read it all, list what is refused, change nothing", ErrNoFile, ErrNotWhole, ErrBusy, orderfile.ErrMap), k.check)
	staff.Route(srv, staff.Change(http.MethodPost, "/imports/{id}/run", "import.run", do, "导入", "Take the file in", ErrNoFile, ErrNotWhole, ErrBusy, orderfile.ErrMap), k.run)
	staff.Route(srv, staff.Change(http.MethodDelete, "/imports/{id}", "import.remove", do, "删除上传的文件", "Remove an uploaded file", ErrNoFile, ErrBusy), k.remove)
}

type fileOut struct {
	ID       web.ID         `json:"id" doc:"导入|the import"`
	Name     string         `json:"name" doc:"文件名|name of the file"`
	Size     int64          `json:"size" doc:"字节数|bytes"`
	Received int64          `json:"received" doc:"已上传字节数|bytes uploaded"`
	Parts    int64          `json:"parts" doc:"已上传分片数，即下一片的序号|parts uploaded: the number of the next one"`
	PartSize int64          `json:"part_size" doc:"分片字节数|bytes of a part"`
	State    string         `json:"state" enum:"uploading,ready,running,done" doc:"状态|state"`
	By       string         `json:"by" doc:"上传人|by whom"`
	Created  int64          `json:"created_at" doc:"开始时间|when it began"`
	Options  *settingsBody  `json:"options,omitempty" doc:"最近一次使用的设置|how it was understood last"`
	Check    *staff.TaskOut `json:"check,omitempty" doc:"最近一次试导入|the last dry run"`
	Run      *staff.TaskOut `json:"run,omitempty" doc:"导入作业|the run"`
}

func (k Console) out(r db.Reader, f File) *fileOut {
	out := &fileOut{ID: web.ID(f.ID), Name: f.Name, Size: f.Size, Received: f.Received, Parts: f.Parts, PartSize: partSize, State: f.State, By: k.Name(r, f.Owner), Created: f.Created}
	if f.Options != "" {
		out.Options = settingsFrom(f.Options)
	}
	for id, to := range map[int64]**staff.TaskOut{f.Check: &out.Check, f.Run: &out.Run} {
		if row, ok := task.Get(r, id); ok {
			one := k.TaskFor(r, row)
			*to = &one
		}
	}
	return out
}

func (k Console) list(c *web.Ctx, in *struct {
	web.Paging
	State string `query:"state" enum:"uploading,ready,running,done" doc:"状态|state"`
	Text  string `query:"text" maxLength:"100" doc:"文件名中的文字|what stands in the name of the file"`
}) (*web.Page[fileOut], error) {
	var before int64
	if err := web.DecodeCursor(in.Cursor, &before); err != nil {
		return nil, err
	}
	return staff.Read(c, k.Desk, func(v *db.View) (*web.Page[fileOut], error) {
		var rows []fileOut
		for _, f := range FilesBefore(v, Filter{in.State, in.Text}, before, in.Limit+1) {
			rows = append(rows, *k.out(v, f))
		}
		return web.PageOf(rows, in.Limit, func(f fileOut) string { return web.EncodeCursor(int64(f.ID)) }), nil
	})
}

type createIn struct {
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"200" doc:"文件名|name of the file"`
		Size int64  `json:"size" minimum:"1" maximum:"2147483648" doc:"字节数，最多 2 GiB|bytes, at most 2 GiB"`
	}
}

func (k Console) create(c *web.Ctx, in *createIn) (*fileOut, error) {
	return staff.Write(c, k.Desk, db.Op{}, func(tx *db.Tx) (*fileOut, staff.Act, error) {
		if in.Body.Size > maxSize {
			return nil, staff.Act{}, ErrSize.New().At("size")
		}
		name := path.Base(strings.ReplaceAll(in.Body.Name, "\\", "/"))
		f := File{ID: tx.ID(), Name: name, Size: in.Body.Size, State: Uploading, Owner: c.Caller.Actor(), Created: tx.Now()}
		return k.out(tx, f), staff.Act{What: "import.upload", Targets: []int64{f.ID}, New: map[string]any{"bytes": f.Size}}, Files.Insert(tx, f)
	})
}

type partIn struct {
	ID      web.ID `path:"id" doc:"导入|the import"`
	Part    int64  `path:"part" minimum:"0" doc:"分片序号，从 0 起|number of the part, from 0"`
	RawBody []byte `contentType:"application/octet-stream"`
}

// part takes one part. The bytes are on the disk before the row says so; a part that was cut off between is sent again.
func (k Console) part(c *web.Ctx, in *partIn) (*fileOut, error) {
	k.I.uploads.Lock()
	defer k.I.uploads.Unlock()
	f, err := k.find(c, in.ID)
	if err != nil {
		return nil, err
	}
	body := c.Body()
	var sealed int64
	if in.Part == f.Parts && f.State == Uploading {
		if left := f.Size - f.Received; int64(len(body)) != min(left, partSize) {
			return nil, ErrSize.New()
		}
		if sealed, err = k.I.append(f, body, f.Received+int64(len(body)) == f.Size); err != nil {
			return nil, err
		}
	}
	return web.Write(c, db.Op{}, func(tx *db.Tx) (*fileOut, error) {
		now, ok := Files.Get(tx, f.ID)
		switch {
		case !ok:
			return nil, ErrNoFile.New()
		case in.Part < now.Parts:
			return k.out(tx, now), nil // came twice
		case in.Part != now.Parts || now.Sealed != f.Sealed || now.State != Uploading:
			return nil, ErrPart.With("want", now.Parts)
		}
		now.Received, now.Parts, now.Sealed = now.Received+int64(len(body)), now.Parts+1, sealed
		if now.Received == now.Size {
			now.State = Ready
		}
		Files.Put(tx, now)
		return k.out(tx, now), nil
	})
}

func (k Console) find(c *web.Ctx, id web.ID) (f File, err error) {
	err = k.DB.View(c, func(v *db.View) error {
		var ok bool
		if f, ok = Files.Get(v, int64(id)); !ok {
			return ErrNoFile.New()
		}
		return nil
	})
	return f, err
}

type fileIn struct {
	ID web.ID `path:"id" doc:"导入|the import"`
}

func (k Console) get(c *web.Ctx, in *fileIn) (*fileOut, error) {
	f, err := k.find(c, in.ID)
	if err != nil {
		return nil, err
	}
	return staff.Read(c, k.Desk, func(v *db.View) (*fileOut, error) { return k.out(v, f), nil })
}

type fieldsOut struct {
	Data []fieldOut `json:"data" doc:"字段|fields"`
}

type fieldOut struct {
	Name   string `json:"name" doc:"代码|name"`
	Zh     string `json:"zh" doc:"中文|in Chinese"`
	En     string `json:"en" doc:"英文|in English"`
	Needed bool   `json:"needed" doc:"必需（金额，或数量与单价）|needed (the amount, or quantity and price)"`
}

var fieldWords = map[string]fieldOut{
	"order": {Zh: "订单号", En: "Order number", Needed: true}, "time": {Zh: "支付时间", En: "Time paid", Needed: true},
	"member": {Zh: "会员（外部编号）", En: "Member (number in that system)", Needed: true}, "amount": {Zh: "实付金额（元）", En: "Amount paid (yuan)", Needed: true},
	"sku": {Zh: "货号", En: "Stock number"}, "name": {Zh: "商品名", En: "Item"}, "quantity": {Zh: "数量", En: "Quantity"}, "price": {Zh: "单价（元）", En: "Unit price (yuan)"},
	"store": {Zh: "门店编码", En: "Store code"}, "channel": {Zh: "渠道", En: "Channel"}, "original": {Zh: "原订单号（退款）", En: "Original order (of a refund)"},
}

func (k Console) fields(*web.Ctx, *struct{}) (*fieldsOut, error) {
	out := &fieldsOut{}
	for _, name := range orderfile.Fields() {
		one := fieldWords[name]
		one.Name = name
		out.Data = append(out.Data, one)
	}
	return out, nil
}

type headIn struct {
	ID       web.ID `path:"id" doc:"导入|the import"`
	Encoding string `query:"encoding" enum:"auto,utf-8,gb18030" default:"auto" doc:"编码|encoding"`
}

type headOut struct {
	Columns  []string   `json:"columns" doc:"列名|names of the columns"`
	Guess    web.JSON   `json:"guess" doc:"推测的对应：字段到列名|what they seem to mean: field to column"`
	Rows     [][]string `json:"rows" doc:"前几行|the first rows"`
	Encoding string     `json:"encoding" doc:"编码|encoding"`
}

const headRows = 20

func (k Console) head(c *web.Ctx, in *headIn) (*headOut, error) {
	f, err := k.find(c, in.ID)
	if err != nil {
		return nil, err
	}
	if f.State == Uploading {
		return nil, ErrNotWhole.New()
	}
	bytes, closer, err := k.I.reader(f)
	if err != nil {
		return nil, err
	}
	defer func() { _ = closer.Close() }()
	h, err := orderfile.Inspect(bytes, orderfile.Options{Encoding: in.Encoding, Zone: k.Zone}, headRows)
	if err != nil {
		return nil, err
	}
	out := &headOut{h.Columns, staff.MustJSON(h.Guess), h.Rows, h.Encoding}
	if out.Rows == nil {
		out.Rows = [][]string{}
	}
	return out, nil
}

func (k Console) remove(c *web.Ctx, in *fileIn) (*web.None, error) {
	out, err := staff.Write(c, k.Desk, db.Op{}, func(tx *db.Tx) (*web.None, staff.Act, error) {
		f, ok := Files.Get(tx, int64(in.ID))
		switch {
		case !ok:
			return nil, staff.Act{}, ErrNoFile.New()
		case f.State == Taking:
			return nil, staff.Act{}, ErrBusy.New()
		}
		Files.Delete(tx, f.ID)
		return &web.None{}, staff.Act{What: "import.remove", Targets: []int64{f.ID}}, nil
	})
	if err == nil {
		_ = os.Remove(k.I.path(int64(in.ID))) // the nightly sweep takes what is left
	}
	return out, err
}
