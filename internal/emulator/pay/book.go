package pay

import "sort"

// Entry is what the platform has on its own book of one order, for whoever compares.
type Entry struct {
	MchID, AppID, No, ID, OpenID string
	Total, Refunded              int64 // fen that have gone back
	Paid                         bool
}

// Book lists every order of the platform by number.
func (p *Pay) Book() []Entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	back := map[*order]int64{}
	for _, f := range p.refunds {
		if f.Status == "SUCCESS" {
			back[f.o] += f.Amount
		}
	}
	out := make([]Entry, 0, len(p.orders))
	for _, o := range p.orders {
		out = append(out, Entry{o.m.MchID, o.AppID, o.No, o.ID, o.OpenID, o.Total, back[o], o.PaidAt != 0})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].No < out[j].No })
	return out
}
