package importer

import (
	"encoding/json"

	"guanxi/internal/base/db"
	"guanxi/internal/base/task"
	"guanxi/internal/base/web"
	"guanxi/internal/edge/orderfile"
	"guanxi/internal/loyalty/staff"
)

type settingsBody struct {
	Source       string         `json:"source" minLength:"1" maxLength:"64" pattern:"^[^|\\r\\n]+$" doc:"来源系统，订单号在其中唯一|the system in which order numbers are unique"`
	Channel      string         `json:"channel,omitempty" maxLength:"64" doc:"文件未写明时的渠道|the channel where the file has none"`
	Mapping      []columnChoice `json:"mapping,omitempty" maxItems:"20" doc:"字段对应，空为自动推测|what the columns mean; guessed when empty"`
	RefundPrefix string         `json:"refund_prefix,omitempty" maxLength:"16" doc:"退款单号的前缀|order numbers that begin with it are refunds"`
	Encoding     string         `json:"encoding,omitempty" enum:"auto,utf-8,gb18030" doc:"编码，缺省为自动识别|encoding; recognised when absent"`
}

type columnChoice struct {
	Field  string `json:"field" maxLength:"16" doc:"字段|field"`
	Column string `json:"column" maxLength:"200" doc:"列名|name of the column"`
}

func settingsFrom(text string) *settingsBody {
	var s Settings
	_ = json.Unmarshal([]byte(text), &s) // written by begin
	out := &settingsBody{Source: s.Source, Channel: s.Channel, RefundPrefix: s.RefundPrefix, Encoding: s.Encoding}
	for _, f := range orderfile.Fields() {
		if column, ok := s.Mapping[f]; ok {
			out.Mapping = append(out.Mapping, columnChoice{f, column})
		}
	}
	return out
}

type tryIn struct {
	ID   web.ID `path:"id" doc:"导入|the import"`
	Body settingsBody
}

func (in *tryIn) settings() (Settings, error) {
	b := in.Body
	s := Settings{Source: b.Source, Channel: b.Channel, Mapping: map[string]string{}, RefundPrefix: b.RefundPrefix, Encoding: b.Encoding}
	if s.Channel == "" {
		s.Channel = "import"
	}
	if s.Encoding == "" {
		s.Encoding = orderfile.Auto
	}
	for _, m := range b.Mapping {
		if _, err := orderfile.ParseMap(m.Field + "=" + m.Column); err != nil {
			return s, err
		}
		s.Mapping[m.Field] = m.Column
	}
	return s, nil
}

func (k Console) check(c *web.Ctx, in *tryIn) (*fileOut, error) {
	return k.begin(c, in, "import.check", func(tx *db.Tx, f *File, t Try) error {
		row, err := task.Start(tx, Check, c.Caller.Actor(), t)
		f.Check = row.ID
		return err
	})
}

func (k Console) run(c *web.Ctx, in *tryIn) (*fileOut, error) {
	return k.begin(c, in, "import.run", func(tx *db.Tx, f *File, t Try) error {
		row, err := task.Start(tx, Import, c.Caller.Actor(), t)
		f.Run, f.State = row.ID, Taking
		return err
	})
}

func (k Console) begin(c *web.Ctx, in *tryIn, what string, start func(*db.Tx, *File, Try) error) (*fileOut, error) {
	s, err := in.settings()
	if err != nil {
		return nil, err
	}
	return staff.Write(c, k.Desk, db.Op{}, func(tx *db.Tx) (*fileOut, staff.Act, error) {
		f, ok := Files.Get(tx, int64(in.ID))
		switch {
		case !ok:
			return nil, staff.Act{}, ErrNoFile.New()
		case f.State == Uploading:
			return nil, staff.Act{}, ErrNotWhole.New()
		case f.State != Ready:
			return nil, staff.Act{}, ErrBusy.New()
		}
		text, err := json.Marshal(s)
		if err != nil {
			return nil, staff.Act{}, err
		}
		f.Options = string(text)
		if err := start(tx, &f, Try{f.ID, s}); err != nil {
			return nil, staff.Act{}, err
		}
		Files.Put(tx, f)
		return k.out(tx, f), staff.Act{What: what, Targets: []int64{f.ID}, New: s}, nil
	})
}
