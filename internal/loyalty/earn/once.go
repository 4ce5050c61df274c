package earn

import "guanxi/internal/base/db"

// OnceFor is the most points that the rules in force give once a member for a trigger: for a complete profile, for joining, and
// for the first order. It is for telling people; what is given is decided when it happens.
func OnceFor(r db.Reader, on string) int64 {
	best := int64(0)
	for _, c := range ruleSets.Get(r).at(on, r.Now(), nil) {
		if when := string(c.When); when != "" && when != "null" {
			continue // not for everybody
		}
		switch s := c.settings.(type) {
		case *Once:
			best = max(best, s.Points)
		case *Fixed:
			if c.Spec.Kind == firstOrder.Name {
				best = max(best, s.Points)
			}
		}
	}
	return best
}
