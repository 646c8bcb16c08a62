package record

import (
	"strings"
	"testing"
	"time"

	"kvd/resolve/blackbox"
)

func TestServersAreReadFromURLs(t *testing.T) {
	all, err := ParseServers("redis://10.0.0.1, redis://ann:secret@[::1]:7000/0")
	if err != nil || len(all) != 2 || all[0] != (Server{Addr: "10.0.0.1:6379"}) || all[1] != (Server{"[::1]:7000", "ann", "secret"}) {
		t.Errorf("%+v %v", all, err)
	}
	for text, want := range map[string]string{
		"": "redis://", "10.0.0.1": "begins with redis://", "rediss://h": "plain TCP", "redis://h/3": "database 0", "redis://": "no address",
		"redis://h,redis://h:6379": "named twice", "redis://a:s3cret@h:port": "no address",
	} {
		if _, err := ParseServers(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestWhatMakesNoSenseIsSaid(t *testing.T) {
	good := Config{Servers: []Server{{Addr: "h:1"}}, Workloads: []Workload{Counter}, Clients: 1, Keys: 1, Timeout: time.Second, Put: func(*blackbox.Op) error { return nil }}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*Config){
		"no server": func(c *Config) { c.Servers = nil }, "a workload is": func(c *Config) { c.Workloads = []Workload{Counter, "list"} }, "clients must": func(c *Config) { c.Clients = 0 },
		"keys must": func(c *Config) { c.Keys = maxKeys + 1 }, "below zero": func(c *Config) { c.Rate = -1 }, "timeout": func(c *Config) { c.Timeout = 0 }, "nobody takes": func(c *Config) { c.Put = nil },
	} {
		bad := good
		if change(&bad); bad.Validate() == nil || !strings.Contains(bad.Validate().Error(), want) {
			t.Errorf("%s: %v", want, bad.Validate())
		}
	}
}
