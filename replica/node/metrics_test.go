package node

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/link"
	"kvd/replica/replicatest"
	"kvd/replica/resp/token"
	"kvd/resolve"
)

func (n *node) scrape() map[string]*dto.MetricFamily {
	n.t.Helper()
	res, err := http.Get("http://" + n.Addrs().HTTP + "/metrics")
	if err != nil {
		n.t.Fatal(err)
	}
	defer res.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(res.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return families
}

// shown is the greatest value among a family's series; of a histogram, its count.
func shown(f *dto.MetricFamily) float64 {
	most := 0.0
	for _, m := range f.GetMetric() {
		for _, v := range []float64{m.GetGauge().GetValue(), m.GetCounter().GetValue(), m.GetUntyped().GetValue(), float64(m.GetHistogram().GetSampleCount())} {
			most = max(most, v, -v)
		}
	}
	return most
}

// quiet is the metrics that stay zero in the story below, and why.
var quiet = map[string]string{
	"kvd_gate_ops":                 "nothing arrives before what it depends on",
	"kvd_gate_held_total":          "nothing arrives before what it depends on",
	"kvd_waiting_requests":         "nobody waits any more",
	"kvd_acks_waiting_calls":       "nobody asks for a level",
	"kvd_duplicate_requests_total": "no request was retried elsewhere",
	"kvd_missing_ops":              "the stores are whole",
	"kvd_unreplicated_ops":         "the leader that is gone had nothing alone",
	"kvd_writes_refused":           "nothing is wrong",
	"kvd_policy_number":            "nobody sets another policy",
	"kvd_policy_behind":            "nobody sets another policy",
	"kvd_log_stable_ops":           "it is looked at once a second, and the story may be shorter",
	"kvd_log_collectable_bytes":    "history has no bound",
	"kvd_log_removed_ops":          "history has no bound",
	"kvd_peer_pinned_bytes":        "history has no bound",
	"kvd_peer_outpaced":            "history has no bound",
	"kvd_peers_omitted":            "there are few",
	"kvd_ledger_evicted_total":     "the ledger has room",
	"kvd_feed_missed_total":        "the reader keeps up",
	"kvd_calls_held_seconds_total": "no peer falls behind",

	"kvd_clock_source_silent":        "nobody is asked how right a clock is",
	"kvd_clock_answer_age_seconds":   "nobody is asked how right a clock is",
	"kvd_clock_contradictions_total": "nobody is asked how right a clock is",
	"kvd_clock_steps_total":          "nobody sets the clock",

	"kvd_counter_voids":              "no request was accepted twice",
	"kvd_tombstones":                 "nothing is deleted",
	"kvd_deleted_keys":               "nothing is deleted",
	"kvd_stamps_lifted_total":        "no clock is set back",
	"kvd_deleted_keys_dropped_total": "nothing that was deleted is old enough",

	"kvd_clock_quarantined":         "three clocks that contradict each other name nobody",
	"kvd_clock_outside_seconds":     "three clocks that contradict each other name nobody",
	"kvd_clocks_min_offset_seconds": "the first leader's clock is the lowest",

	"kvd_backup_running":                "nobody takes a backup",
	"kvd_last_backup_timestamp_seconds": "nobody takes a backup",
	"kvd_last_backup_duration_seconds":  "nobody takes a backup",
	"kvd_last_backup_bytes":             "nobody takes a backup",

	"kvd_subscribers_cut_total":   "who listens takes what it is sent",
	"kvd_published_unheard_total": "clients hold little",

	"kvd_clients_waiting_for_memory":   "clients hold little",
	"kvd_clients_cut_for_memory_total": "clients hold little",

	"kvd_unshared_ops":        "another leader has everything",
	"kvd_peer_ahead_ops":      "all is applied",
	"kvd_disk_free_bytes":     "disks are in memory",
	"kvd_disk_size_bytes":     "disks are in memory",
	"kvd_disk_min_free_bytes": "disks are in memory",
	"kvd_disk_slow":           "disks are in memory",
	"kvd_disk_call_seconds":   "no call takes long",

	"kvd_scrub_bytes_total":    "the first round begins after a day",
	"kvd_scrub_rounds_total":   "the first round begins after a day",
	"kvd_scrub_damaged_places": "the stores are whole",

	"kvd_peer_queue_bytes":    "what can be sent is sent",
	"kvd_ops_dropped_total":   "nothing comes twice",
	"kvd_peer_unsendable":     "every op is small enough",
	"kvd_unsendable_peers":    "every op is small enough",
	"kvd_peer_behind_total":   "nobody had to be shipped anything again",
	"kvd_lamport_ahead_total": "no stamp is beyond what its leader can have seen",
	"kvd_gate_bytes":          "nothing waits for what it depends on",
	"kvd_waiting_bytes":       "nobody waits for what a token has seen",

	"kvd_origins_scarce":            "there are few",
	"kvd_origins_refused_ops_total": "there are few",
	"kvd_conflicting_dots":          "no leader has a copy",

	"kvd_commit_wait_seconds":  "no prefix is under commit-wait",
	"kvd_commit_waiting_calls": "no prefix is under commit-wait",

	"kvd_quorum_voters":             "nobody begins a quorum",
	"kvd_quorum_leads":              "nobody begins a quorum",
	"kvd_quorum_leaderless_seconds": "nobody begins a quorum",
	"kvd_locks_held":                "nobody begins a quorum",
	"kvd_locks_bytes":               "nobody begins a quorum",
	"kvd_locks_expired_total":       "nobody begins a quorum",
	"kvd_fenced_writes_total":       "nobody begins a quorum",
	"kvd_fenced_refused_total":      "nobody begins a quorum",

	"kvd_losses_retracted_total": "no survivor turned out to have seen what it replaced",

	"kvd_state_transfer_bytes":       "the logs keep what everybody needs",
	"kvd_state_transfer_total_bytes": "the logs keep what everybody needs",
	"kvd_state_transfer_failed":      "the logs keep what everybody needs",

	"kvd_repair_mended_total":    "nothing is wrong",
	"kvd_repair_explained_total": "nothing is wrong",
	"kvd_repair_theirs_total":    "nothing is wrong",
	"kvd_repair_undecided_total": "nothing is wrong",
	"kvd_repair_keys_total":      "nothing is wrong",
	"kvd_repair_rounds_total":    "the first round comes later",
}

// Every metric that a leader shows is fed: in a cluster to which something has
// happened, each is there, and is not zero unless there is a reason. What stays to
// be told of a peer that is dead is told as it is.
func TestEveryMetricIsFed(t *testing.T) {
	all := cluster(t, 3, everybody(resolve.LWW), func(i int, c *Config) {
		c.Clock.Offset = time.Duration(i) * time.Hour
		c.Memory.Objects = c.Storage.Cache
	})
	n1, n2, n3 := all[0], all[1], all[2]
	listen := n1.client.Subscribe(t.Context(), "kvd:losses")
	defer listen.Close()
	figure83(t, []*node{n3, n2, n1}, "x")
	settle(t, all)
	n1.refused("BEHIND", "", "KVD.GET", "x", "TOKEN", token.Token{Seen: replica.Token{Frontier: logical.FrontierOf(dotOf(77, 1))}}.String())
	if err := n3.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, cut := range []bool{true, false} {
		if err := n1.faults.Set("n2", link.LinkFault{Cut: cut}); err != nil {
			t.Fatal(err)
		}
		n1.ask("PUBLISH", "news", "m")
	}
	n1.set("y", "1")
	n2.set("z", "1")
	settle(t, all[:2])
	replicatest.Eventually(t, "n3 is seen to be gone, and lags", func() bool {
		p := n1.peer("n3")
		return !p.Alive && p.LagOps == 2 && p.LagSeconds > 0.5
	})
	if p := n1.peer("n2"); p.LagOps != 0 || p.LagSeconds != 0 || p.Clock == nil {
		t.Errorf("n2 lacks nothing, and is told as %+v", p)
	}
	families := n1.scrape()
	for name, f := range families {
		if _, stays := quiet[name]; strings.HasPrefix(name, "kvd_") && !stays && shown(f) == 0 {
			t.Errorf("%s is never fed; let this story move it, or say in quiet why it stays zero", name)
		}
	}
	for name := range quiet {
		if families[name] == nil && !strings.HasPrefix(name, "kvd_disk_") {
			t.Errorf("%s is no metric", name)
		}
	}
	for _, name := range []string{"kvd_peer_clock_offset_seconds", "kvd_peer_lag_seconds"} {
		i := slices.IndexFunc(families[name].GetMetric(), func(m *dto.Metric) bool { return m.GetGauge().GetValue() != 0 })
		if i < 0 {
			t.Errorf("%s is zero for everybody", name)
		}
	}
}
