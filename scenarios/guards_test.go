package scenarios_test

import (
	"strings"
	"testing"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/library"
)

// resumer is leaders without the guard of origins: whoever starts after the first three
// resumes the origin of the first leader, whatever became of its disk.
type resumer struct {
	starts int
	first  logical.Origin
}

func (r *resumer) State(st *replica.State) {
	switch r.starts++; {
	case r.starts == 1:
		r.first = st.Origin
	case r.starts > 3:
		st.Origin = r.first
	}
}

func (*resumer) Input(in replica.Input) replica.Input { return in }
func (*resumer) Put(p replica.Put) replica.Put        { return p }
func (*resumer) Send(*replica.Send)                   {}
func (*resumer) Reply(*replica.Reply)                 {}

// TestRowsNoticeWhatTheyAreAbout plays rows of the library without the guard that each is
// about: its checks break.
func TestRowsNoticeWhatTheyAreAbout(t *testing.T) {
	for _, c := range []struct {
		row  string
		id   resolve.ID
		take func(*scenarios.Options)
		want string // part of what breaks
	}{
		{"cloned-directory", resolve.LWW, func(o *scenarios.Options) { o.Tamper = &resumer{} }, "converged"},
		{"rollback-unseen", resolve.LWW, func(o *scenarios.Options) { o.Tamper = &resumer{} }, "already names"},
	} {
		t.Run(c.row, func(t *testing.T) {
			s, err := library.Find(c.row)
			if err != nil {
				t.Fatal(err)
			}
			o := scenarios.Options{Resolver: c.id, Seed: 1}
			c.take(&o)
			r, err := scenarios.Run(s, o)
			if err != nil {
				t.Fatal(err)
			}
			var broken []string
			for _, p := range r.Promises {
				if !p.Held {
					broken = append(broken, p.Check+": "+p.Why)
				}
			}
			if said := strings.Join(broken, "\n"); !strings.Contains(said, c.want) {
				t.Errorf("without its guard the row says\n%s\nand not %q", said, c.want)
			} else {
				t.Log(said)
			}
		})
	}
}
