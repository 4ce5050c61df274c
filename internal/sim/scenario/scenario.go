package scenario

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"guanxi/internal/base/fault"
)

//go:embed scripts/*.txt
var scripts embed.FS

// Script is one promise, told as a story.
type Script struct {
	Name string // of its file: 02-refund-after-spending.txt
	Text string
}

// Title is the first line, which says what is promised.
func (s Script) Title() string {
	first, _, _ := strings.Cut(s.Text, "\n")
	return strings.TrimSpace(strings.TrimPrefix(first, "#"))
}

// All lists the scripts of the house by name.
func All() ([]Script, error) {
	names, err := fs.Glob(scripts, "scripts/*.txt")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var out []Script
	for _, n := range names {
		b, err := scripts.ReadFile(n)
		if err != nil {
			return nil, err
		}
		out = append(out, Script{strings.TrimPrefix(n, "scripts/"), string(b)})
	}
	return out, nil
}

// Told is what became of a script.
type Told struct {
	Sentences int
	Expected  int      // values compared
	Blind     []string // values that could be changed without anybody noticing
}

// Options of a run.
type Options struct {
	Dir   string // an empty folder
	Doubt bool   // also compare every expected value falsified, which must fail
	Lie   int    // falsify this expected value of the whole script, counted from 1; 0 is none
}

// Run plays a script on a new installation in an empty folder. The error names the line that was not kept.
func Run(ctx context.Context, s Script, opt Options) (told Told, err error) {
	lines, err := parse(s.Text)
	if err != nil {
		return told, fmt.Errorf("%s:%w", s.Name, err)
	}
	w := newWorld(ctx, opt.Dir)
	defer func() {
		if cerr := w.close(); err == nil {
			err = cerr
		}
	}()
	p := play{w, opt, &told}
	for i := range lines {
		if err := p.sentence(&lines[i]); err != nil {
			return told, fmt.Errorf("%s:%d: %s: %w", s.Name, lines[i].no, lines[i].text, err)
		}
	}
	if err := w.open(); err != nil {
		return told, err
	}
	if err := w.verify(); err != nil {
		return told, fmt.Errorf("%s: at the end: %w", s.Name, err)
	}
	return told, nil
}

type play struct {
	w    *world
	opt  Options
	told *Told
}

func (p *play) sentence(l *line) error {
	p.told.Sentences++
	c := find(l.words[0].text)
	if c == nil {
		return fmt.Errorf("there is no command %q", l.words[0].text)
	}
	if c.name != "zone" {
		if err := p.w.open(); err != nil {
			return err
		}
	}
	if c.expects {
		return p.expectation(c, l)
	}
	return p.w.run(c, l)
}

// expectation compares, and in doubt compares once more for each of its values with that one falsified.
func (p *play) expectation(c *command, l *line) error {
	r := l.fresh(p.w.zone, p.opt.Lie-1-p.told.Expected)
	r.at = 1
	if err := c.run(p.w, r); err != nil {
		return err
	}
	p.told.Expected += r.expected
	if !p.opt.Doubt {
		return nil
	}
	if r.expected == 0 {
		p.told.Blind = append(p.told.Blind, fmt.Sprintf("%d: %s: expects nothing", l.no, l.text))
	}
	for i := range r.expected {
		f := l.fresh(p.w.zone, i)
		f.at = 1
		if err := c.run(p.w, f); err == nil {
			p.told.Blind = append(p.told.Blind, fmt.Sprintf("%d: %s: value %d", l.no, l.text, i+1))
		}
	}
	return nil
}

// run does a command, which must fail with a code when the sentence ends so.
func (w *world) run(c *command, l *line) error {
	r := l.fresh(w.zone, -1)
	r.at = 1
	code := ""
	if n := len(r.words); n > 2 && r.words[n-2].text == "fails" {
		code, r.words = r.words[n-1].text, r.words[:n-2]
	}
	err := c.run(w, r)
	switch {
	case code == "":
		return err
	case err == nil:
		return fmt.Errorf("it was allowed")
	case fault.CodeOf(err) != code:
		return fmt.Errorf("it failed otherwise: %w", err)
	}
	return nil
}

// race does a sentence n times at once, with {n} standing for 1, 2, 3 …, and counts how often it was allowed.
func race(w *world, l *line) error {
	n := int(l.int())
	inner := *l
	inner.words, inner.at = l.words[l.at:], 0
	c := find(inner.peek())
	if l.err != nil || c == nil || c.expects || n < 2 {
		return fmt.Errorf("race wants a number and a command")
	}
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			one := inner
			one.words = slices.Clone(inner.words)
			for k := range one.words {
				one.words[k].text = strings.ReplaceAll(one.words[k].text, "{n}", fmt.Sprint(i+1))
			}
			errs[i] = w.run(c, &one)
		})
	}
	all.Wait()
	w.won = 0
	for _, err := range errs {
		switch {
		case err == nil:
			w.won++
		case fault.As(err) == nil:
			return err
		}
	}
	return nil
}
