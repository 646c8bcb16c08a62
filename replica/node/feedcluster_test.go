package node

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"kvd/replica/replicatest"
	"kvd/resolve"
)

// subscribed is a subscription that has begun.
func (n *node) subscribed(channel string) *redis.PubSub {
	n.t.Helper()
	s := n.client.Subscribe(context.Background(), channel)
	n.t.Cleanup(func() { s.Close() })
	if _, err := s.ReceiveTimeout(context.Background(), replicatest.Timeout); err != nil {
		n.t.Fatal(err)
	}
	return s
}

// lossMessage is what of a message these tests look at.
type lossMessage struct {
	Event, Leader, Resolver, Relation, Loser, Winner string
	Serving                                          bool
	Key, Value                                       *string
	At                                               int64
	AcceptedBy                                       string `json:"accepted_by"`
}

// next is the next message of a subscription.
func next(t *testing.T, s *redis.PubSub) lossMessage {
	t.Helper()
	got, err := s.ReceiveTimeout(context.Background(), replicatest.Timeout)
	m, ok := got.(*redis.Message)
	if err != nil || !ok {
		t.Fatalf("got %v, %v", got, err)
	}
	return parsed(t, m.Payload)
}

func parsed(t *testing.T, text string) (m lossMessage) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return m
}

// streamed opens the stream of losses and waits until it has begun.
func (n *node) streamed(query string) *bufio.Reader {
	n.t.Helper()
	res, err := http.Get("http://" + n.Addrs().HTTP + "/losses" + query)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { res.Body.Close() })
	r := bufio.NewReader(res.Body)
	for range 2 {
		if _, err := r.ReadString('\n'); err != nil {
			n.t.Fatal(err)
		}
	}
	return r
}

// event is the next of the stream: its name and its JSON.
func event(t *testing.T, r *bufio.Reader) (name, data string) {
	t.Helper()
	var lines [3]string
	for i := range lines {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		lines[i] = strings.TrimSuffix(line, "\n")
	}
	return strings.TrimPrefix(lines[0], "event: "), strings.TrimPrefix(lines[1], "data: ")
}

// A loss is told by every leader to whoever listens, over RESP and HTTP alike, as
// the ledger has it.
func TestALossIsToldAsItHappens(t *testing.T) {
	all := cluster(t, 3, everybody(resolve.LWW), ahead(0, time.Hour))
	var subscriptions []*redis.PubSub
	for _, n := range all {
		subscriptions = append(subscriptions, n.subscribed("kvd:losses"))
	}
	other, page := all[2].streamed("?prefix=other"), all[2].streamed("?prefix=likes")
	first, second := figure83(t, all, "likes")
	for i, s := range subscriptions {
		m, name := next(t, s), all[i].Name()
		if m.Event != "lost" || m.Leader != name || m.Resolver != "lww" || !m.Serving || m.Relation != "inverted" || *m.Key != "likes" ||
			m.Loser != second || m.Winner != first || m.AcceptedBy != "n3" || m.Value == nil || *m.Value != "2" {
			t.Errorf("%s tells %+v", name, m)
		}
		row := all[i].tell("KVD.LOSSES", "RESOLVER", "lww").rows("rows")[0]
		if row["at"] != m.At || row["loser"] != m.Loser || row["leader"] != m.AcceptedBy {
			t.Errorf("%s tells %+v, and its ledger %v", name, m, row)
		}
	}
	name, data := event(t, page)
	if m := parsed(t, data); name != "lost" || m.Loser != second || m.Leader != "n3" {
		t.Errorf("the page tells %s %s", name, data)
	}
	figure83(t, all, "other")
	if _, data := event(t, other); *parsed(t, data).Key != "other" {
		t.Errorf("the page of other keys tells %s first", data)
	}
	all[1].refused("ERR there is no channel", "kvd:losses and kvd:losses:all", "SUBSCRIBE", "kvd:news")
}

// Who listens to all hears of what the shadows would have lost, and of what was
// not lost after all.
func TestShadowsAreToldOnTheirChannel(t *testing.T) {
	all := cluster(t, 2, everybody(resolve.Siblings), ahead(0, time.Hour))
	serving, shadows := all[0].subscribed("kvd:losses"), all[0].subscribed("kvd:losses:all")
	_, second := figure83(t, all, "likes")
	underLWW := func() lossMessage {
		for {
			if m := next(t, shadows); m.Resolver == "lww" {
				return m
			}
		}
	}
	if m := underLWW(); m.Event != "lost" || m.Serving || m.Loser != second {
		t.Errorf("the shadows tell %+v", m)
	}
	all[0].set("likes", "3") // has seen the lost one, and survives by its clock
	settle(t, all)
	if m := underLWW(); m.Event != "retracted" || m.Relation != "" || m.Loser != second {
		t.Errorf("then the shadows tell %+v", m)
	}
	for range 2 { // what was told before the first is sent before the second
		if err := serving.Ping(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got, err := serving.ReceiveTimeout(context.Background(), replicatest.Timeout); err != nil || !strings.HasPrefix(fmt.Sprint(got), "Pong") {
			t.Errorf("the serving resolver lost nothing and tells %v, %v", got, err)
		}
	}
}

// scraped is the sums of a counter by resolver and relation; without a relation by
// resolver.
func (n *node) scraped(metric string) map[string]int64 {
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
	sums := map[string]int64{}
	for _, m := range families[metric].GetMetric() {
		var resolver, relation, serving string
		for _, l := range m.GetLabel() {
			switch l.GetName() {
			case "resolver":
				resolver = l.GetValue()
			case "relation":
				relation = l.GetValue()
			case "serving":
				serving = l.GetValue()
			}
		}
		count := int64(m.GetCounter().GetValue())
		sums[resolver+" "+relation] += count
		sums["serving "+serving] += count
	}
	return sums
}

// What the metrics count is what the ledger inserted, and what readers were told.
func TestMetricsCountWhatTheLedgerBooks(t *testing.T) {
	all := cluster(t, 3, everybody(resolve.LWW), ahead(0, time.Second))
	told := all[0].subscribed("kvd:losses:all")
	for round, lost := 0, int64(0); lost == 0 && round < 20; round++ { // on a busy machine clients may take turns, and nobody loses
		var clients sync.WaitGroup
		for i, n := range all {
			clients.Go(func() {
				for j := range 60 {
					n.set(fmt.Sprint("k", j%4), fmt.Sprint(round, i, j))
				}
			})
		}
		clients.Wait()
		settle(t, all)
		b := all[0].loop.Ledger().Inserted
		lost = min(b[resolve.LWW][0]+b[resolve.LWW][1], b[resolve.HLC][0]+b[resolve.HLC][1])
	}
	for _, n := range all {
		h, sums, retracted := n.loop.Ledger(), n.scraped("kvd_losses_total"), n.scraped("kvd_losses_retracted_total")
		for id, name := range resolve.All.Names() {
			for class, relation := range []string{"inverted", "concurrent"} {
				if got, want := sums[name+" "+relation], h.Inserted[id][class]; got != want {
					t.Errorf("%s: %d %s losses under %s are counted, and %d are inserted", n.Name(), got, relation, name, want)
				}
			}
			if got, want := retracted[name+" "], h.Retracted[id][0]+h.Retracted[id][1]; got != want {
				t.Errorf("%s: %d losses under %s are counted as retracted, and %d are", n.Name(), got, name, want)
			}
		}
		lww := h.Inserted[resolve.LWW]
		if got := sums["serving true"]; got != lww[0]+lww[1] || got == 0 || sums["serving false"] == 0 {
			t.Errorf("%s: %d losses of the serving resolver, want %d; %d of the others", n.Name(), got, lww[0]+lww[1], sums["serving false"])
		}
	}
	h := all[0].loop.Ledger()
	lost, retracted := int64(0), int64(0)
	for lost+retracted < h.Inserted.Sum()+h.Retracted.Sum() {
		switch m := next(t, told); m.Event {
		case "lost":
			lost++
		case "retracted":
			retracted++
		default:
			t.Fatalf("told %+v", m)
		}
	}
	if lost != h.Inserted.Sum() || retracted != h.Retracted.Sum() {
		t.Errorf("told of %d lost and %d retracted; inserted %d and %d", lost, retracted, h.Inserted.Sum(), h.Retracted.Sum())
	}
}

// Readers do not keep a leader from stopping, and none of its goroutines stay.
func TestReadersEndWithTheLeader(t *testing.T) {
	before := goleak.IgnoreCurrent()
	n := cluster(t, 1, everybody(resolve.LWW), nil)[0]
	subscription, page := n.subscribed("kvd:losses"), n.streamed("")
	replicatest.Eventually(t, "both are counted", func() bool { return n.lossFeed.Stats().Readers == 2 })
	ctx, cancel := context.WithTimeout(context.Background(), replicatest.Timeout)
	defer cancel()
	began := time.Now()
	if err := n.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > replicatest.Timeout/6 {
		t.Errorf("it took %s", took)
	}
	if _, err := page.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("the page ends with %v", err)
	}
	if n.lossFeed.Stats().Readers != 0 {
		t.Error("readers are left")
	}
	subscription.Close()
	n.client.Close()
	http.DefaultClient.CloseIdleConnections()
	goleak.VerifyNone(t, before)
}
