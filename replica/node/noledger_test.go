package node

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"kvd/resolve"
)

// A leader that keeps no ledger says so wherever its answer would be taken for
// one about losses; the others answer as ever.
func TestWithoutALedger(t *testing.T) {
	all := cluster(t, 2, everybody(resolve.LWW), func(i int, c *Config) {
		if ahead(0, time.Hour)(i, c); i == 1 {
			c.Storage.NoLedger = true
		}
	})
	without := all[1]
	all[0].set("x", "1")
	settle(t, all)
	lost := without.tell("KVD.SET", "x", "2")["dot"].(string)
	settle(t, all)
	if rows := all[0].tell("KVD.LOSSES").rows("rows"); len(rows) != 1 || rows[0]["loser"] != lost {
		t.Fatalf("n1 has %v", rows)
	}
	for _, words := range [][]any{{"KVD.LOSSES"}, {"KVD.AUDIT"}, {"KVD.ADVISE"}, {"KVD.RESTORE", lost}} {
		without.refused("NOLEDGER n2 keeps no ledger", "ask another leader", words...)
	}
	const says = "n2 keeps no ledger of lost writes"
	for _, words := range [][]any{{"KVD.WHY", "x"}, {"KVD.FATE", lost}} {
		if told := without.tell(words...)["text"].(string); !strings.Contains(told, says) {
			t.Errorf("%v says %q", words, told)
		}
		if told := all[0].tell(words...)["text"].(string); strings.Contains(told, "keeps no ledger") {
			t.Errorf("at n1 %v says %q", words, told)
		}
	}
	for i, state := range []string{"on", "off"} {
		info, err := all[i].client.Info(context.Background(), "kvd").Result()
		if err != nil || !strings.Contains(info, "\r\nledger:"+state+"\r\n") {
			t.Errorf("INFO says %q, %v", info, err)
		}
		r, err := http.Get("http://" + all[i].Addrs().HTTP + "/status")
		if err != nil {
			t.Fatal(err)
		}
		var status struct{ Ledger struct{ State string } }
		if err := json.NewDecoder(r.Body).Decode(&status); err != nil || status.Ledger.State != state {
			t.Errorf("/status says %+v, %v", status, err)
		}
		_ = r.Body.Close()
	}
}
