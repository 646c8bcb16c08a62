package console

import (
	"errors"
	"fmt"
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
	"kvd/resolve"
)

// scrape reads and parses the metrics as Prometheus would.
func (u *up) scraped() map[string]*dto.MetricFamily {
	u.t.Helper()
	res, body := u.get("/metrics")
	if res.StatusCode != http.StatusOK {
		u.t.Fatalf("metrics: %d %s", res.StatusCode, body)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		u.t.Fatalf("the metrics do not parse: %v", err)
	}
	return families
}

// value is that of the one series with all of the labels, as name=value.
func value(t *testing.T, families map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	t.Helper()
	var found []*dto.Metric
	for _, m := range families[name].GetMetric() {
		has := func(l string) bool {
			return slices.ContainsFunc(m.GetLabel(), func(p *dto.LabelPair) bool { return p.GetName()+"="+p.GetValue() == l })
		}
		if !slices.ContainsFunc(labels, func(l string) bool { return !has(l) }) {
			found = append(found, m)
		}
	}
	if len(found) != 1 {
		t.Errorf("%s%v: %d series, want one", name, labels, len(found))
		return -1
	}
	m := found[0]
	if h := m.GetHistogram(); h != nil {
		return float64(h.GetSampleCount())
	}
	return m.GetCounter().GetValue() + m.GetGauge().GetValue()
}

// ruleOf gives the keys that begin with k to lww and all others to hlc.
func ruleOf(key string) resolve.Rule {
	if strings.HasPrefix(key, "k") {
		return resolve.Rule{Prefix: "k", Resolver: resolve.LWW}
	}
	return resolve.Rule{Resolver: resolve.HLC}
}

func judged(key string, id resolve.ID, r resolve.Relation) *replica.Judged {
	return &replica.Judged{Key: key, Verdict: resolve.Verdict{Resolvers: id.Mask(), Relation: r}}
}

// events are one of each that is counted, and where.
var events = []struct {
	event  replica.Event
	name   string
	labels []string
}{
	{replica.Accepted{}, "kvd_ops_total", []string{"from=client"}},
	{&replica.Applied{From: "b"}, "kvd_ops_total", []string{"from=peer"}},
	{judged("k", resolve.LWW, resolve.Superseded), "kvd_superseded_total", []string{"resolver=lww", "serving=true"}},
	{judged("x", resolve.LWW, resolve.Superseded), "kvd_superseded_total", []string{"resolver=lww", "serving=false"}},
	{judged("k", resolve.LWW, resolve.Inverted), "kvd_losses_total", []string{"resolver=lww", "relation=inverted", "serving=true"}},
	{judged("x", resolve.LWW, resolve.Inverted), "kvd_losses_total", []string{"resolver=lww", "relation=inverted", "serving=false"}},
	{judged("k", resolve.Counter, resolve.Concurrent), "kvd_losses_total", []string{"resolver=counter", "relation=concurrent", "serving=false"}},
	{judged("x", resolve.HLC, resolve.Concurrent), "kvd_losses_total", []string{"resolver=hlc", "relation=concurrent", "serving=true"}},
	{judged("x", 14, resolve.Concurrent), "kvd_losses_total", []string{"resolver=other", "relation=concurrent", "serving=false"}},
	{&replica.Judged{Key: "x", Verdict: resolve.Verdict{Resolvers: resolve.HLC.Mask(), Retracted: true}}, "kvd_losses_retracted_total", []string{"resolver=hlc", "serving=true"}},
	{&replica.Judged{Key: "k", Verdict: resolve.Verdict{Resolvers: resolve.HLC.Mask(), Retracted: true}}, "kvd_losses_retracted_total", []string{"resolver=hlc", "serving=false"}},
	{replica.Buffered{Gap: true}, "kvd_gate_held_total", []string{"missing=predecessor"}},
	{replica.Buffered{}, "kvd_gate_held_total", []string{"missing=dependency"}},
	{replica.Dropped{Reason: replica.Duplicate}, "kvd_ops_dropped_total", []string{"reason=duplicate"}},
	{replica.Dropped{Reason: replica.GateFull}, "kvd_ops_dropped_total", []string{"reason=gate_full"}},
	{replica.ClockAhead{Ahead: time.Second}, "kvd_clock_ahead_total", nil},
	{replica.LamportAhead{}, "kvd_lamport_ahead_total", nil},
	{replica.DuplicateFound{}, "kvd_duplicate_requests_total", nil},
	{replica.PeerBehind{Peer: "b"}, "kvd_peer_behind_total", nil},
	{replica.TokenWaited{GaveUp: true}, "kvd_token_waits_total", []string{"outcome=gave_up"}},
	{replica.TokenWaited{}, "kvd_token_waits_total", []string{"outcome=served"}},
}

func TestEventsAreCounted(t *testing.T) {
	u := serve(t, Config{}, &leader{})
	for i, e := range events {
		for range i + 1 {
			u.metric.Observe(e.event)
		}
	}
	u.metric.Observe(&replica.Judged{Verdict: resolve.Verdict{Resolvers: resolve.All, Relation: 77}}) // of no known relation: not counted, no panic
	families := u.scraped()
	for i, e := range events {
		if got := value(t, families, e.name, e.labels...); got != float64(i+1) {
			t.Errorf("%s%v is %v after %d events", e.name, e.labels, got, i+1)
		}
	}
	if got := value(t, families, "kvd_clock_ahead_seconds"); got != 16 {
		t.Errorf("%v stamps were ahead, want 16", got)
	}
}

// What several resolvers agree on is one event, and counts for each of them.
func TestEveryResolverOfAVerdictIsCounted(t *testing.T) {
	u := serve(t, Config{}, &leader{})
	shared := judged("k", resolve.LWW, resolve.Inverted)
	shared.Verdict.Resolvers |= resolve.Interval.Mask()
	u.metric.Observe(shared)
	families := u.scraped()
	for _, c := range []struct {
		resolver, serving string
		want              float64
	}{{"lww", "true", 1}, {"interval", "false", 1}, {"hlc", "false", 0}} {
		got := value(t, families, "kvd_losses_total", "resolver="+c.resolver, "relation=inverted", "serving="+c.serving)
		if got != c.want {
			t.Errorf("%s, serving %s: %v losses, want %v", c.resolver, c.serving, got, c.want)
		}
	}
}

func TestOperationsAreCounted(t *testing.T) {
	u := serve(t, Config{}, &leader{})
	wrap := func(err error) error { return fmt.Errorf("get k: %w", err) }
	for i, tc := range []struct {
		verb    replica.Verb
		err     error
		labels  []string
		verbFor string
	}{
		{replica.Get, nil, []string{"verb=get", "outcome=ok"}, "get"},
		{replica.Set, wrap(replica.ErrBehind), []string{"verb=set", "outcome=behind"}, "set"},
		{replica.Remove, wrap(replica.ErrOverloaded), []string{"verb=remove", "outcome=overloaded"}, "remove"},
		{replica.Incr, wrap(replica.ErrBadRequest), []string{"verb=incr", "outcome=bad_request"}, "incr"},
		{replica.Update, errors.New("x"), []string{"verb=update", "outcome=failed"}, "update"},
		{99, nil, []string{"verb=other", "outcome=ok"}, "other"},
	} {
		for range i + 1 {
			u.metric.Operation(tc.verb, tc.err, time.Millisecond)
		}
		families := u.scraped()
		if got := value(t, families, "kvd_operations_total", tc.labels...); got != float64(i+1) {
			t.Errorf("%v: %v, want %d", tc.labels, got, i+1)
		}
		if got := value(t, families, "kvd_operation_seconds", "verb="+tc.verbFor); got != float64(i+1) {
			t.Errorf("latency of %s: %v, want %d", tc.verbFor, got, i+1)
		}
	}
	u.metric.Operation(replica.Get, errors.New("unknown"), 0)
	u.metric.Synced(12, 3*time.Millisecond)
	families := u.scraped()
	if got := value(t, families, "kvd_operations_total", "verb=get", "outcome=failed"); got != 1 {
		t.Errorf("an unknown error: %v", got)
	}
	if got := families["kvd_batch_ops"].GetMetric()[0].GetHistogram().GetSampleSum(); got != 12 {
		t.Errorf("the batch had %v ops", got)
	}
	if got := families["kvd_sync_seconds"].GetMetric()[0].GetHistogram().GetSampleSum(); got != 0.003 {
		t.Errorf("it took %v s", got)
	}
}

func TestGauges(t *testing.T) {
	l := &leader{status: Status{
		ClientMemory:  ClientMemory{Limit: 20, Used: 17, Waiting: 18, Cut: 19},
		UptimeSeconds: 9, GateOps: 1, GateBytes: 100, WaitingRequests: 2, AcksWaiting: 8, WaitingBytes: 200, Clients: 3, Origins: Origins{Count: 15, Max: 16, RefusedOps: 3}, Conflicts: 4, RefusesWrites: []Reason{{Cause: "disk", Detail: "full"}},
		Peers: []Peer{
			{Name: "b", Alive: true, Phi: 3.5, LagOps: 4, LagSeconds: 0.5, QueueBytes: 6, Published: Published{Sent: 23, Dropped: 24}, Unsendable: &Unsendable{Dot: "1-2"}, Clock: &Offset{-0.25, 0.75}},
			{Name: "c"}, {Name: "c", LagOps: 1}, {Name: "\xff"},
		},
		Ledger: Ledger{Rows: 11, Bytes: 12, Evicted: []Evicted{{"lww", "inverted", 13}, {"new", "concurrent", 14}, {"newer", "concurrent", 1}, {"lww", "odd", 99}}},
		Feeds:  Feeds{Readers: 15, Missed: 16},
		Quorum: Quorum{Voters: []string{"n1", "n2", "n3"}, Leads: true, LeaderlessSeconds: 25, Locks: 26, LockBytes: 27, Expired: 28, FencedWrites: 29, FencedRefused: 30},

		Subscribers: Subscribers{Cut: 21, Unheard: 22},
	}}
	u := serve(t, Config{}, l)
	families := u.scraped()
	for _, want := range []struct {
		name   string
		value  float64
		labels []string
	}{
		{"kvd_quorum_voters", 3, nil}, {"kvd_quorum_leads", 1, nil}, {"kvd_quorum_leaderless_seconds", 25, nil}, {"kvd_locks_held", 26, nil}, {"kvd_locks_bytes", 27, nil}, {"kvd_locks_expired_total", 28, nil},
		{"kvd_fenced_writes_total", 29, nil}, {"kvd_fenced_refused_total", 30, nil},
		{"kvd_ready", 1, nil}, {"kvd_uptime_seconds", 9, nil}, {"kvd_gate_ops", 1, nil}, {"kvd_waiting_requests", 2, nil}, {"kvd_acks_waiting_calls", 8, nil}, {"kvd_gate_bytes", 100, nil}, {"kvd_waiting_bytes", 200, nil}, {"kvd_connected_clients", 3, nil},
		{"kvd_client_memory_limit_bytes", 20, nil}, {"kvd_client_memory_bytes", 17, nil}, {"kvd_clients_waiting_for_memory", 18, nil}, {"kvd_clients_cut_for_memory_total", 19, nil},
		{"kvd_writes_refused", 1, nil}, {"kvd_origins", 15, nil}, {"kvd_origins_most", 16, nil}, {"kvd_origins_scarce", 1, nil}, {"kvd_origins_refused_ops_total", 3, nil}, {"kvd_conflicting_dots", 4, nil},
		{"kvd_peer_up", 1, []string{"peer=b"}}, {"kvd_peer_suspicion_phi", 3.5, []string{"peer=b"}}, {"kvd_peer_lag_ops", 4, []string{"peer=b"}}, {"kvd_peer_lag_seconds", 0.5, []string{"peer=b"}}, {"kvd_peer_queue_bytes", 6, []string{"peer=b"}},
		{"kvd_unsendable_peers", 1, nil}, {"kvd_peer_unsendable", 1, []string{"peer=b"}}, {"kvd_peer_unsendable", 0, []string{"peer=c"}},
		{"kvd_peer_clock_offset_seconds", -0.25, []string{"peer=b", "edge=earliest"}}, {"kvd_peer_clock_offset_seconds", 0.75, []string{"peer=b", "edge=latest"}},
		{"kvd_peer_up", 0, []string{"peer=c"}}, {"kvd_peers_omitted", 0, nil},
		{"kvd_ledger_rows", 11, nil}, {"kvd_ledger_bytes", 12, nil}, {"kvd_feed_readers", 15, nil}, {"kvd_feed_missed_total", 16, nil},
		{"kvd_ledger_evicted_total", 13, []string{"resolver=lww", "relation=inverted"}}, {"kvd_ledger_evicted_total", 0, []string{"resolver=lww", "relation=concurrent"}},
		{"kvd_ledger_evicted_total", 15, []string{"resolver=other", "relation=concurrent"}}, {"kvd_ledger_evicted_total", 0, []string{"resolver=siblings", "relation=inverted"}},
		{"kvd_published_sent_total", 23, []string{"peer=b"}}, {"kvd_published_dropped_total", 24, []string{"peer=b"}}, {"kvd_subscribers_cut_total", 21, nil}, {"kvd_published_unheard_total", 22, nil},
		{"kvd_build_info", 1, []string{"version=v1", "revision=abc", "go=go"}},
	} {
		if got := value(t, families, want.name, want.labels...); got != want.value {
			t.Errorf("%s%v is %v, want %v", want.name, want.labels, got, want.value)
		}
	}
	for _, name := range []string{"go_goroutines", "process_start_time_seconds"} {
		if families[name] == nil {
			t.Errorf("no %s", name)
		}
	}
	l.unready(Reason{Cause: Disk, Detail: "full"})
	l.mu.Lock()
	l.status.Peers = nil
	l.mu.Unlock()
	families = u.scraped()
	if value(t, families, "kvd_ready") != 0 || families["kvd_peer_up"] != nil {
		t.Error("not ready and without peers, and the metrics do not say so")
	}
}

// However many keys, origins, peers and requests there are, there are no more
// series than are known beforehand.
func TestCardinalityIsBounded(t *testing.T) {
	l := &leader{}
	u := serve(t, Config{}, l)
	before := ours(u.scraped())
	for i := range 2000 {
		name := fmt.Sprintf("n%04d", i)
		l.status.Peers = append(l.status.Peers, Peer{Name: name, Clock: &Offset{}})
		op := &resolve.Op{Key: name, Dot: logical.Dot{Origin: logical.Origin(i + 1), Seq: 1}}
		for _, e := range []replica.Event{
			replica.Accepted{Op: op}, &replica.Applied{Op: op, From: replica.Leader(name)},
			&replica.Judged{Key: name, Verdict: resolve.Verdict{Resolvers: resolve.ID(i).Mask(), Relation: resolve.Relation(i), Retracted: i%5 == 0}},
			replica.Buffered{Dot: op.Dot}, replica.Dropped{Dot: op.Dot, Reason: replica.DropReason(i)},
			replica.ClockAhead{Dot: op.Dot, Ahead: time.Duration(i) * time.Second}, replica.PeerBehind{Peer: replica.Leader(name)},
		} {
			u.metric.Observe(e)
		}
		u.metric.Operation(replica.Verb(i), fmt.Errorf("%d", i), time.Duration(i))
		u.metric.Synced(i, time.Duration(i))
	}
	families := u.scraped()
	const seriesOfPeer = 14
	if after := ours(families); after != before+maxPeers*seriesOfPeer {
		t.Errorf("%d series became %d, want %d more for %d peers", before, after, maxPeers*seriesOfPeer, maxPeers)
	}
	if got := value(t, families, "kvd_peers_omitted"); got != 2000-maxPeers {
		t.Errorf("%v peers are omitted", got)
	}
	allowed := strings.Fields("verb outcome resolver relation serving from missing reason peer edge fate version revision go")
	for name, family := range families {
		for _, m := range family.GetMetric() {
			for _, label := range m.GetLabel() {
				if strings.HasPrefix(name, "kvd_") && !slices.Contains(allowed, label.GetName()) || label.GetName() == "key" {
					t.Errorf("%s has a label %s=%q", name, label.GetName(), label.GetValue())
				}
			}
		}
	}
}

// ours counts our series.
func ours(families map[string]*dto.MetricFamily) int {
	n := 0
	for name, family := range families {
		if strings.HasPrefix(name, "kvd_") {
			n += len(family.GetMetric())
		}
	}
	return n
}

// The leader's loop calls these between two clients.
func TestCountingAllocatesNothing(t *testing.T) {
	m := NewMetrics(Build{}, ruleOf)
	for _, e := range events {
		if n := testing.AllocsPerRun(100, func() { m.Observe(e.event) }); n != 0 {
			t.Errorf("observing %T allocates %v times", e.event, n)
		}
	}
	n := testing.AllocsPerRun(100, func() {
		m.Operation(replica.Set, nil, time.Millisecond)
		m.Operation(replica.Set, replica.ErrBehind, time.Millisecond)
		m.Synced(3, time.Millisecond)
	})
	if n != 0 {
		t.Errorf("counting operations and batches allocates %v times", n)
	}
}
