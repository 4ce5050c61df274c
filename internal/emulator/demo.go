package emulator

import "guanxi/internal/emulator/world"

// The accounts of the demonstration.
const (
	DemoOA = "wxa0000000000000oa"
	DemoMP = "wxa0000000000000mp"
	// DemoOwner is the Open Platform account that both are bound to.
	DemoOwner = "open-platform-1"
)

// Demo fills a world with people and the accounts of one brand; product is where the product is reached, by servers and by
// browsers alike.
func Demo(w *world.World, product, host string) {
	const owner = DemoOwner
	key := func(n int) string { return w.Fixed(n, "aes|"+DemoOA) }
	w.AddApp(world.App{ID: DemoOA, Kind: world.OA, Name: "关系生活馆", Secret: w.Fixed(32, "secret|"+DemoOA), Owner: owner,
		Callback: product + "/hooks/wechat/oa/" + DemoOA, Token: w.Fixed(24, "token|"+DemoOA), AESKey: key(42) + "A", Domains: []string{host}})
	w.AddApp(world.App{ID: DemoMP, Kind: world.MP, Name: "关系会员中心", Secret: w.Fixed(32, "secret|"+DemoMP), Owner: owner,
		Callback: product + "/hooks/wechat/mp/" + DemoMP, Token: w.Fixed(24, "token|"+DemoMP), JSON: true, Domains: []string{host}, Home: product + "/m/"})
	for _, p := range []world.Person{
		{ID: "lin", Name: "林晓月", Phone: "13800138001", Email: "lin@example.com", Color: "#d96b52"},
		{ID: "chen", Name: "陈大海", Phone: "13800138002", Email: "chen@example.com", Color: "#3f7cac"},
		{ID: "wang", Name: "王小满", Phone: "13800138003", Email: "wang@example.com", Color: "#5b8c5a"},
		{ID: "zhao", Name: "赵一帆", Phone: "13800138004", Email: "zhao@example.com", Color: "#8a5fb0"},
		{ID: "preview", Name: "快照页访客", Color: "#9a9a9a", Snapshot: true},
		{ID: "risky", Name: "风险账号", Phone: "13800138009", Color: "#555555", Risky: true},
	} {
		w.AddPerson(p)
	}
}
