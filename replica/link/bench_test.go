package link

import (
	"fmt"
	"testing"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/wire"
)

// counting is a Sink that only gives a place back for each batch it takes.
type counting struct {
	places chan struct{}
	mesh   *Mesh
}

func (c *counting) Receive(from replica.Leader, m replica.Message) {
	if b, ok := m.(*replica.Batch); ok {
		<-c.places
		c.mesh.Credit(from, wire.Charge(b.Ops))
	}
}
func (c *counting) PeerUp(replica.Leader)      { notify(c.places) }
func (c *counting) PeerDown(replica.Leader)    {}
func (c *counting) Frontier() logical.Frontier { return logical.Frontier{} }

// BenchmarkLoopback is ops from one leader to another over loopback, 64 batches
// on their way at a time.
func BenchmarkLoopback(b *testing.B) {
	for _, ops := range []int{1, 64} {
		b.Run(fmt.Sprintf("batch%d", ops), func(b *testing.B) {
			up, places := make(chan struct{}, 1), make(chan struct{}, 64)
			home, away := settings("a"), settings("b")
			listen(b, &home)
			listen(b, &away)
			from, err := New(home, &counting{places: up})
			if err != nil {
				b.Fatal(err)
			}
			defer from.Close(b.Context())
			taker := &counting{places: places}
			to, err := New(away, taker)
			if err != nil {
				b.Fatal(err)
			}
			taker.mesh = to
			defer to.Close(b.Context())
			to.SetPeers(map[replica.Leader]string{"a": "127.0.0.1:1"})
			from.SetPeers(map[replica.Leader]string{"b": to.cfg.Listener.Addr().String()})
			<-up
			n := &node{mesh: from}
			batch := n.batch(1, ops, 100)
			b.ReportAllocs()
			for b.Loop() {
				places <- struct{}{}
				from.Send("b", batch)
			}
			for range cap(places) {
				places <- struct{}{}
			}
			b.ReportMetric(float64(b.N*ops)/b.Elapsed().Seconds(), "ops/s")
		})
	}
}
