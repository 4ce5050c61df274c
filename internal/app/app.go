// Package app ties the floors together: wiring, reactions, routes and schedules. There are no rules in it.
package app

import (
	"context"
	"log/slog"
	"net/netip"
	"path/filepath"

	"guanxi/internal/app/exporter"
	"guanxi/internal/app/heads"
	"guanxi/internal/app/importer"
	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/job"
	"guanxi/internal/base/obs"
	"guanxi/internal/base/setting"
	"guanxi/internal/base/shared"
	"guanxi/internal/base/task"
	"guanxi/internal/base/vault"
	"guanxi/internal/base/web"
	"guanxi/internal/edge/channels"
	"guanxi/internal/edge/delivery"
	"guanxi/internal/edge/entry"
	"guanxi/internal/edge/webhook"
	"guanxi/internal/edge/wechat/cashier"
	"guanxi/internal/edge/wechat/pay"
	"guanxi/internal/edge/wecom"
	"guanxi/internal/loyalty/campaign"
	"guanxi/internal/loyalty/centre"
	"guanxi/internal/loyalty/earn"
	"guanxi/internal/loyalty/insight"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/message"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/payment"
	"guanxi/internal/loyalty/points"
	"guanxi/internal/loyalty/privacy"
	"guanxi/internal/loyalty/recognition"
	"guanxi/internal/loyalty/reward"
	"guanxi/internal/loyalty/shop"
	"guanxi/internal/loyalty/staff"
	"guanxi/internal/loyalty/tier"
	"guanxi/internal/loyalty/track"
)

// Options of an installation.
type Options struct {
	Data      string // the installation's folder
	URL       string // mysql://…; empty is SQLite in Data
	Keys      string // folder of the field keys; empty is Data/keys
	Redis     string // redis://…; empty is none
	Zone      clock.Zone
	Clock     clock.Clock
	Log       *slog.Logger
	Metrics   *obs.Metrics
	Seed      uint64
	ReadOnly  bool // beside a running server: nothing but views
	MaxGroup  int  // how many writes share a commit; 0 is the usual
	Channels  channels.Config
	Pay       []pay.Account  // merchants at WeChat Pay, with their keys
	PayVia    pay.Options    // how they are reached; the zero value is the usual
	Webhooks  []netip.Prefix // inner networks that facts may be sent to
	NATS      string         // nats://…, servers of a stream that gets every fact; empty is none
	PublicURL string         // how the outside reaches us: https://host
	Framer    string         // the phone of the emulator, which shows our pages in a frame; its clock may travel
	// Driver and DSN let tests bring a database that fails on purpose.
	Driver string
	DSN    func(path string, write bool) string
}

// App is one running installation.
type App struct {
	Zone      clock.Zone
	Clock     clock.Clock
	Log       *slog.Logger
	Metrics   *obs.Metrics
	DB        *db.DB
	Bus       *fact.Bus
	pulse     pulse
	Vault     *vault.Vault
	Shared    *shared.Store // nil without a Redis
	Exporter  *exporter.Exporter
	Jobs      *job.Runner
	Shop      *shop.Service
	Verifier  *shop.Verifier
	Staff     *staff.Service
	Members   *member.Service
	Orders    *order.Service
	Ledger    *ledger.Ledger
	Points    *points.Service
	Tiers     *tier.Service
	Earn      *earn.Service
	Messages  *message.Service
	Campaign  *campaign.Service
	Tracks    *track.Service
	Honours   *recognition.Service
	Privacy   *privacy.Service
	Importer  *importer.Importer
	Payments  *payment.Service
	Cashier   *cashier.Cashier
	Webhooks  *webhook.Service
	Channels  channels.Config // the parties outside; it does not change while the installation runs
	merchants []pay.Account
	Entry     *entry.Service
	Outlet    *delivery.Outlet
	WeCom     *wecom.Service
	public    string
	framer    string
}

// Schemas lists the tables of every feature, from the lowest up.
var Schemas = []db.Schema{
	campaign.Schema, message.Schema, recognition.Schema, track.Schema, privacy.Schema,
	fact.Schema, job.Schema, setting.Schema, web.Schema, shop.Schema, staff.Schema, member.Schema, order.Schema,
	entry.Schema, wecom.Schema,
	ledger.Schema, tier.Schema, reward.Schema, earn.Schema, payment.Schema, cashier.Schema, centre.Schema, importer.Schema, heads.Schema,
	insight.Schema, task.Schema, webhook.Schema,
}

func (o *Options) defaults() {
	if o.Keys == "" {
		o.Keys = filepath.Join(o.Data, "keys")
	}
	if o.Zone.Name() == "" {
		o.Zone = clock.Shanghai
	}
	if o.Clock == nil {
		o.Clock = clock.System
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = obs.NewMetrics("dev", "")
	}
}

// Open opens an installation (and makes it, when the folder is empty).
func Open(ctx context.Context, o Options) (*App, error) {
	o.defaults()
	d, err := db.Open(ctx, db.Options{Dir: o.Data, URL: o.URL, Clock: o.Clock, Log: o.Log, Seed: o.Seed, ReadOnly: o.ReadOnly, MaxGroup: o.MaxGroup, Driver: o.Driver, DSN: o.DSN,
		OnCommit: committed(o.Metrics)})
	if err != nil {
		return nil, err
	}
	a := &App{Zone: o.Zone, Clock: o.Clock, Log: o.Log, Metrics: o.Metrics, DB: d, Channels: o.Channels, merchants: o.Pay, public: o.PublicURL, framer: o.Framer}
	if err := a.wire(ctx, o); err != nil {
		_ = a.Close()
		return nil, err
	}
	return a, nil
}

func (a *App) wire(ctx context.Context, o Options) (err error) {
	if o.ReadOnly {
		a.Vault, err = vault.Read(o.Keys) // what was signed is checked with them
		return err
	}
	if a.Vault, err = vault.Load(o.Keys); err != nil {
		return err
	}
	if a.Shared, err = shared.Open(o.Redis, a.Vault.Fingerprint(), o.Log); err != nil {
		return err
	}
	if err := a.DB.Migrate(ctx, Schemas...); err != nil {
		return err
	}
	if err := a.DB.WholeCopy(ctx); err != nil {
		return err
	}
	if err := a.sameKeys(ctx, o.Keys); err != nil {
		return err
	}
	if a.Staff, err = staff.New(a.DB, a.Vault, a.Zone); err != nil {
		return err
	}
	a.Bus = fact.NewBus(a.DB)
	a.pulse.shared = a.Shared
	a.pulse.wire(a.DB)
	a.Jobs = job.NewRunner(a.DB, job.Options{Log: o.Log, Zone: a.Zone, Tell: a.Shared.Wake})
	a.Shop = shop.New(a.DB, a.Vault, o.Log)
	a.Shop.Shared = a.Shared
	a.Verifier = shop.NewVerifier(a.Shop)
	a.Members = &member.Service{Vault: a.Vault, Zone: a.Zone}
	a.Exporter = &exporter.Exporter{Desk: a.desk(), Members: a.Members, Vault: a.Vault, Folder: filepath.Join(o.Data, "exports"), Insight: insight.Console{Desk: a.desk(), Members: a.Members}}
	a.Orders = &order.Service{Zone: a.Zone}
	a.Ledger = &ledger.Ledger{Zone: a.Zone, PromoFirst: points.PromoFirst}
	a.Points = &points.Service{Zone: a.Zone, Ledger: a.Ledger}
	a.Tiers = &tier.Service{Zone: a.Zone, Ledger: a.Ledger}
	a.Earn = &earn.Service{Zone: a.Zone, Ledger: a.Ledger}
	a.Importer = &importer.Importer{DB: a.DB, Members: a.Members, Orders: a.Orders, Vault: a.Vault, Zone: a.Zone, Folder: filepath.Join(o.Data, "imports")}
	a.wirePayments(o)
	a.Campaign = &campaign.Service{Zone: a.Zone, Ledger: a.Ledger}
	a.Tracks = &track.Service{DB: a.DB, Zone: a.Zone, Members: a.Members}
	a.Messages = &message.Service{DB: a.DB, Zone: a.Zone, Members: a.Members}
	a.Honours = &recognition.Service{DB: a.DB, Zone: a.Zone, Members: a.Members, Campaign: a.Campaign, Messages: a.Messages}
	a.Privacy = &privacy.Service{DB: a.DB, Zone: a.Zone, Vault: a.Vault, Members: a.Members, Ledger: a.Ledger, Messages: a.Messages, Tracks: a.Tracks}
	a.Members.Wire(a.DB)
	a.Orders.Wire(a.DB)
	a.Ledger.Wire(a.DB)
	a.Tiers.Wire(a.DB)
	a.Webhooks = &webhook.Service{Vault: a.Vault, Inside: o.Webhooks, NATS: vault.Hide(o.NATS)}
	a.Webhooks.Wire(a.DB, a.Jobs)
	if o.NATS != "" {
		if err := a.DB.Write(ctx, db.Op{Actor: "nats"}, a.Webhooks.Follow); err != nil {
			return err
		}
	}
	if err := a.connect(); err != nil {
		return err
	}
	a.react()
	a.schedule()
	if err := a.deeds(); err != nil {
		return err
	}
	return a.firstStart(ctx)
}

// ErrOtherKeys refuses keys that did not seal what the database holds: members would not be found, nor be readable.
var ErrOtherKeys = fault.Define("keys.other", fault.Down,
	"{path} 中的密钥不属于这个数据库：请使用最初的密钥目录（多个进程必须共用同一套密钥）",
	"The keys in {path} are not those of this database: use its own (all processes on one database share their keys)")

// sameKeys holds every process, and every later start, to the keys of the first.
func (a *App) sameKeys(ctx context.Context, dir string) error {
	return a.DB.Write(ctx, db.Op{Actor: "system:keys"}, func(tx *db.Tx) error {
		if mine := a.Vault.Fingerprint(); db.Sign(tx, "keys", mine) != mine {
			return ErrOtherKeys.With("path", dir)
		}
		return nil
	})
}

// Close finishes what waits and closes the files.
func (a *App) Close() error {
	defer a.Shared.Close()
	if a.Webhooks != nil {
		defer a.Webhooks.Close()
	}
	return a.DB.Close()
}

func committed(m *obs.Metrics) func(int, int64) {
	return func(functions int, ms int64) { m.Committed(functions, clock.Duration(ms)) }
}
