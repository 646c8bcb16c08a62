package scenarios_test

import (
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/library"
	"kvd/storage"
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

// forgetful is leaders that begin again with nothing when their log is damaged, and rely on
// the others.
type forgetful struct{ *resumer }

func (forgetful) State(*replica.State) {}

func (forgetful) Input(in replica.Input) replica.Input {
	if _, ok := in.(replica.Recovered); ok {
		return replica.Recovered{}
	}
	return in
}

// deaf is a filesystem beneath leaders that do not look whether what they write was written.
type deaf struct{ vfs.FS }

func (d deaf) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.Create(name, c)
	return deafFile{f}, err
}

func (d deaf) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	f, err := d.FS.OpenReadWrite(name, c, o...)
	return deafFile{f}, err
}

type deafFile struct{ vfs.File }

func (f deafFile) Write(b []byte) (int, error) {
	_, _ = f.File.Write(b)
	return len(b), nil
}

func (f deafFile) WriteAt(b []byte, at int64) (int, error) {
	_, _ = f.File.WriteAt(b, at)
	return len(b), nil
}

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
		{"full-disk", resolve.LWW, func(o *scenarios.Options) { o.Store = func(s *storage.Options) { s.FS = deaf{s.FS} } }, "z = absent"},
		{"log-rot", resolve.LWW, func(o *scenarios.Options) { o.Tamper = forgetful{&resumer{}} }, "durability = 0"},
		{"long-absence", resolve.LWW, func(o *scenarios.Options) { o.Outside = func(leader string) bool { return leader == "n3" } }, "converged"},
		{"resurrection", resolve.LWW, func(o *scenarios.Options) { o.Outside = func(leader string) bool { return leader == "n3" } }, "k4 = absent"},
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
