package main

import (
	"io"
	"strings"
	"testing"
	"time"

	"kvd/storage/losses"
)

// configure is what serve is told with one setting changed.
func configure(name, value string) (*serving, error) {
	rows := table()
	all := make([]effective, len(rows))
	for i := range rows {
		all[i] = effective{setting: &rows[i], values: []string{rows[i].value}, origin: "default"}
		if rows[i].kind == list || rows[i].value == "" {
			all[i].values = nil
		}
		if rows[i].name == name {
			all[i].values = []string{value}
		}
		if len(all[i].values) == 0 {
			all[i].setting = &setting{name: rows[i].name, apply: func(*serving, []string) error { return nil }}
		}
	}
	return configured(all, io.Discard)
}

func TestLedgerSettings(t *testing.T) {
	usual := losses.DefaultRetention()
	for _, c := range []struct {
		name, value string
		want        func(*losses.Retention)
		off, fails  bool
	}{
		{name: "node", value: "n1"},
		{name: "ledger-bytes", value: "1000", want: func(r *losses.Retention) { r.Bytes = 1000 }},
		{name: "ledger-bytes", value: "0", want: func(r *losses.Retention) { r.Bytes = 0 }},
		{name: "ledger-age", value: "90m", want: func(r *losses.Retention) { r.Age = 90 * time.Minute }},
		{name: "ledger-value", value: "7", want: func(r *losses.Retention) { r.Value = 7 }},
		{name: "ledger", value: "off", off: true},
		{name: "ledger", value: "maybe", fails: true},
		{name: "ledger-bytes", value: "-1", fails: true},
		{name: "ledger-bytes", value: "1MiB", want: func(r *losses.Retention) { r.Bytes = 1 << 20 }},
		{name: "ledger-bytes", value: "1MB", fails: true},
		{name: "ledger-value", value: "-1", fails: true},
		{name: "ledger-age", value: "-1s", fails: true},
	} {
		got, err := configure(c.name, c.value)
		want := usual
		if c.want != nil {
			c.want(&want)
		}
		switch {
		case c.value == "1MB" && !strings.Contains(err.Error(), "write 512MiB"):
			t.Errorf("%s %s: %v", c.name, c.value, err)
		case (err != nil) != c.fails:
			t.Errorf("%s %s: %v", c.name, c.value, err)
		case err == nil && (got.Storage.Ledger != want || got.Storage.NoLedger != c.off):
			t.Errorf("%s %s: %+v, off %t", c.name, c.value, got.Storage.Ledger, got.Storage.NoLedger)
		}
	}
}
