package link

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// thin takes a few bytes at a time and rests.
type thin struct {
	net.Conn
	rest time.Duration // after each read
}

func (c thin) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b[:min(len(b), 16<<10)])
	time.Sleep(c.rest)
	return n, err
}

// A frame that takes longer to write than a connection may be silent is written all
// the same, as long as bytes move; and a reader that takes nothing is given up.
func TestSlowWriteOfALargeFrameIsNoSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		defer a.Close()
		defer b.Close()
		out := &conn{Conn: a}
		if err := out.watch(4 * time.Second); err != nil {
			t.Fatal(err)
		}
		const large = 8 << 20
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			defer cancel()
			if n, err := io.Copy(io.Discard, io.LimitReader(thin{b, 100 * time.Millisecond}, large)); n != large || err != nil {
				t.Errorf("%d bytes arrived, %v", n, err)
			}
		}()
		began := time.Now()
		if n, err := out.Write(make([]byte, large)); n != large || err != nil {
			t.Fatalf("after %s: %d bytes written, %v", time.Since(began), n, err)
		}
		<-ctx.Done()
		if took := time.Since(began); took < 40*time.Second {
			t.Fatalf("it took %s: the link was not slow", took)
		}
		if n, err := out.Write(make([]byte, large)); err == nil || n > 0 {
			t.Fatalf("%d bytes were written to nobody, %v", n, err)
		}
	})
}

// Credit comes back with what was applied, not with what arrived: a peer whose ops
// are taken and not applied sends no more than its window. Credit for what an
// earlier connection brought is not given to the next one beyond its window.
func TestCreditComesFromWhoeverApplies(t *testing.T) {
	const window = 20 << 10
	a := start(t, "a", func(c *Config) { c.IdleTimeout = time.Hour })
	b := start(t, "b", func(c *Config) { c.Window, c.IdleTimeout = window, time.Hour })
	b.keeps = true
	joined(a, b)
	for i := range 40 {
		a.mesh.Send("b", a.batch(i+1, i+1, 1000))
	}
	a.awaitStats("no credit left", func(s Stats) bool { return s.peer("b").Credit <= 0 })
	sent := int(a.mesh.Stats().peer("b").OpsOut)
	b.awaitOps("a", sent)
	if sent < window/1400 || sent > window/1256+1 {
		t.Fatalf("%d ops of about 1300 left on a credit of %d", sent, window)
	}
	b.mesh.Credit("a", window/2)
	b.awaitOps("a", sent+window/2/1400)
	b.mesh.Credit("a", 10*window)
	b.mesh.Credit("nobody", window)
	b.awaitOps("a", 40)
	b.mesh.Credit("a", 10*window)
	a.awaitStats("credit within the window", func(s Stats) bool {
		p := s.peer("b")
		return p.Credit > 0 && p.Credit <= window && a.happened(Up) == 1
	})
}
