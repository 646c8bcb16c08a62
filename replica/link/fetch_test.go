package link

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"kvd/replica"
	"kvd/replica/wire"
)

// Whoever fetches and whoever is asked have a connection of their own, beside the link.
func TestFetchGivesAConnectionToBoth(t *testing.T) {
	asked := make(chan replica.Leader, 1)
	a := start(t, "n1")
	b := start(t, "n2", func(c *Config) {
		c.OnFetch = func(from replica.Leader, c net.Conn) {
			asked <- from
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	})
	joined(a, b)
	c, err := a.mesh.Fetch(t.Context(), "n2")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("state", 100_000)
	go func() { _, _ = io.WriteString(c, text) }()
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != text || <-asked != "n1" {
		t.Errorf("other bytes came back, %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}

	if _, err := a.mesh.DialQuorum(t.Context(), "n2"); !refusedFor(err, wire.OtherProtocol) {
		t.Errorf("a leader with no quorum: %v", err)
	}
	if _, err := b.mesh.Fetch(t.Context(), "n1"); !refusedFor(err, wire.OtherProtocol) {
		t.Errorf("a leader that lends nothing: %v", err)
	}
	if _, err := a.mesh.Fetch(t.Context(), "n3"); err == nil {
		t.Error("who is no member is fetched from")
	}
	faults := NewFaults(1)
	if err := faults.Set("n2", LinkFault{Cut: true}); err != nil {
		t.Fatal(err)
	}
	if faults.cut("n1") || !faults.cut("n2") {
		t.Error("the wrong link is cut")
	}
}

func TestOnlyMembersFetch(t *testing.T) {
	b := start(t, "n2", func(c *Config) { c.OnFetch = func(_ replica.Leader, c net.Conn) { _ = c.Close() } })
	a := start(t, "n1")
	a.mesh.SetPeers(map[replica.Leader]string{"n2": b.addr()})
	if _, err := a.mesh.Fetch(t.Context(), "n2"); !refusedFor(err, wire.NotAMember) {
		t.Errorf("a leader that is not known there: %v", err)
	}
	c := start(t, "n4", func(c *Config) { c.Policy = "*=hlc" })
	b.mesh.SetPeers(map[replica.Leader]string{"n4": c.addr()})
	c.mesh.SetPeers(map[replica.Leader]string{"n2": b.addr()})
	if _, err := c.mesh.Fetch(t.Context(), "n2"); !refusedFor(err, wire.OtherPolicy) {
		t.Errorf("a leader under another policy: %v", err)
	}
}

func refusedFor(err error, r wire.Reason) bool {
	no, ok := errors.AsType[*RefusedError](err)
	return ok && no.Reason == r
}
