package member

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

func TestValidate(t *testing.T) {
	good := config("a")
	good.Logger = slog.New(slog.DiscardHandler)
	if err := good.Validate(); err != nil {
		t.Fatalf("a good config is refused: %v", err)
	}
	for _, tc := range []struct {
		says   string
		change func(*Config)
	}{
		{`the name "a b"`, func(c *Config) { c.Name = "a b" }},
		{`the name ""`, func(c *Config) { c.Name = "" }},
		{"cluster name", func(c *Config) { c.Cluster = "" }},
		{"no origin", func(c *Config) { c.Origin = 0 }},
		{"no protocol", func(c *Config) { c.Protocol = 0 }},
		{"no such profile", func(c *Config) { c.Profile = 9 }},
		{"no logger", func(c *Config) { c.Logger = nil }},
		{"has 17 bytes", func(c *Config) { c.GossipKey = make([]byte, 17) }},
		{"bind address", func(c *Config) { c.Bind = "127.0.0.1" }},
		{"bind address", func(c *Config) { c.Bind = "127.0.0.1:70000" }},
		{"advertise address", func(c *Config) { c.Advertise = "here" }},
		{"every IPv6 address", func(c *Config) { c.Bind = "[::]:7946" }},
		{"join address", func(c *Config) { c.Join = []string{"10.0.0.1:7946", "b"} }},
		{"room for 512", func(c *Config) { c.RespAddr = strings.Repeat("x", 512) }},
	} {
		c := good
		tc.change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("want a refusal that says %q, got %v", tc.says, err)
		}
	}
	bad := Config{}
	if err := bad.Validate(); strings.Count(err.Error(), "\n") < 4 {
		t.Errorf("not all faults are named at once: %v", err)
	}
}

// Our measure of the tags must be serf's: what just fits is let through by both.
func TestTagsThatJustFit(t *testing.T) {
	noLeaks(t)
	cfg := config("a")
	cfg.Logger = slog.New(slog.DiscardHandler)
	cfg.PolicyDigest = strings.Repeat("d", 256) // beyond 31 the length takes as many bytes as it ever will
	cfg.RespAddr = strings.Repeat("x", 40)
	cfg.RespAddr += strings.Repeat("x", maxTags-tagsSize(cfg.tags()))
	if size := tagsSize(cfg.tags()); size != maxTags {
		t.Fatalf("the tags take %d bytes, the test wants %d", size, maxTags)
	}
	a := start(t, cfg)
	if n := len(a.serf.Memberlist().LocalNode().Meta); n != maxTags {
		t.Errorf("serf encodes the tags in %d bytes, not %d", n, maxTags)
	}
	b := start(t, func() Config { c := cfg; c.Name, c.Join = "b", []string{a.Addr()}; return c }())
	if m := b.untilStatus("a", Alive); m.RespAddr != cfg.RespAddr {
		t.Errorf("tags arrived as %+v", m)
	}
	cfg.RespAddr += "x"
	if err := cfg.Validate(); err == nil {
		t.Error("a byte too many is let through")
	}
}

func TestDecodeTags(t *testing.T) {
	cfg := config("a")
	tags, err := decodeTags(encodeTags(cfg.tags()))
	if err != nil || len(tags) != len(cfg.tags()) || tags[tagPeer] != "a:1" {
		t.Errorf("tags came back as %v, %v", tags, err)
	}
	const hashicorp = "\xff\x81\xa4peer\xda\x00\x20" // as serf writes a string of 32 bytes
	tags, err = decodeTags([]byte(hashicorp + strings.Repeat("p", 32)))
	if err != nil || tags[tagPeer] != strings.Repeat("p", 32) {
		t.Errorf("serf's tags are read as %v, %v", tags, err)
	}
	for _, bad := range [][]byte{nil, []byte("role"), {255}, {255, 0xdf, 0xff, 0xff, 0xff, 0xff}, {255, 0x81, 0xdb, 0x7f, 0xff, 0xff, 0xff}, {255, 0x81, 0xc0, 0xc0}, make([]byte, 600)} {
		if tags, err := decodeTags(bad); err == nil {
			t.Errorf("%.8x decodes as %v", bad, tags)
		}
	}
}

// encodeTags is an encoding of tags that decodeTags reads.
func encodeTags(tags map[string]string) []byte {
	b, err := msgpack.Marshal(tags)
	if err != nil {
		panic(err) // a map of strings into memory
	}
	return append([]byte{serfTags}, b...)
}
