package host_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host"
)

// An origin that is resumed gives the next dot, and its statuses are newer than all it
// has sent.
func TestResumeGoesOnWithTheOrigin(t *testing.T) {
	fs := vfs.NewMem()
	s := openStore(t, fs)
	if _, err := host.Resume(config(), s, nil); err == nil {
		t.Error("an origin was resumed that never began")
	}
	p := open(t, s, 7, nil)
	step(t, p, set("x", "a"))
	commit(t, p)
	p.Close()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = openStore(t, fs)
	defer s.Close()
	cfg := config()
	cfg.Statuses = 40
	p, err := host.Resume(cfg, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	step(t, p, replica.PeerUp{Peer: "n2"}, set("x", "b"))
	out := commit(t, p)
	if d := out.Replies[0].Dot; d != (logical.Dot{Origin: 7, Seq: 2}) {
		t.Errorf("the resumed origin's write is %s", d)
	}
	for _, send := range out.Sends {
		if st, ok := send.Message.(*replica.Status); ok && (st.Number != 41 || st.Origin != 7) {
			t.Errorf("its status has number %d of origin %s", st.Number, st.Origin)
		}
	}
}
