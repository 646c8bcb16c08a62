package console

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestShutdownDrains(t *testing.T) {
	l := &leader{entered: make(chan struct{}), release: make(chan struct{})}
	u := serve(t, Config{}, l)
	answered := u.ask("/status")
	<-l.entered
	down := make(chan error, 1)
	go func() { down <- u.Shutdown(context.Background()) }()
	if err := <-u.served; err != nil { // it listens no more, and the request still runs
		t.Errorf("serve ended with %v", err)
	}
	u.served <- nil
	select {
	case err := <-down:
		t.Errorf("shut down amid a request: %v", err)
	default:
	}
	if conn, err := net.Dial("tcp", u.Addr().String()); err == nil {
		conn.Close()
		t.Error("a new connection was let in")
	}
	close(l.release)
	if body := <-answered; !strings.Contains(body, "uptime_seconds") {
		t.Errorf("the request that ran was answered %q", body)
	}
	if err := <-down; err != nil {
		t.Errorf("shutdown: %v", err)
	}
}

func TestShutdownCutsOffWhenTimeIsUp(t *testing.T) {
	l := &leader{entered: make(chan struct{}), release: make(chan struct{})}
	u := serve(t, Config{}, l)
	cut := u.ask("/status")
	<-l.entered
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := u.Shutdown(ctx); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("shutdown with no time gave %v", err)
	}
	if body := <-cut; !strings.HasPrefix(body, "error: ") {
		t.Errorf("the request was answered: %s", body)
	}
	close(l.release)
}

func TestShutdownWithoutServe(t *testing.T) {
	c, err := New(Config{Listener: local(t), Logger: slog.New(slog.DiscardHandler)}, &leader{}, NewMetrics(Build{}, ruleOf))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if conn, err := net.Dial("tcp", c.Addr().String()); err == nil {
		conn.Close()
		t.Error("it still listens")
	}
}

func TestTooManyScrapesAreTurnedAway(t *testing.T) {
	l := &leader{entered: make(chan struct{}), release: make(chan struct{})}
	u := serve(t, Config{}, l)
	var running []<-chan string
	for range scrapes {
		running = append(running, u.ask("/metrics"))
		<-l.entered
	}
	res, body := u.get("/metrics")
	u.refused(res, body, http.StatusServiceUnavailable)
	close(l.release)
	for _, r := range running {
		if body := <-r; !strings.Contains(body, "kvd_ready") {
			t.Errorf("a scrape among the first was answered %.100q", body)
		}
	}
	go func() { <-l.entered }()
	if res, _ := u.get("/metrics"); res.StatusCode != http.StatusOK {
		t.Errorf("a scrape after the others: %d", res.StatusCode)
	}
}

// Questions that read the store are answered a few at a time, and given up at shutdown.
func TestShutdownGivesUpQuestions(t *testing.T) {
	s := &store{begun: make(chan struct{})}
	u := serve(t, Config{Store: s}, &leader{})
	var running []<-chan string
	for range questions {
		running = append(running, u.ask("/console/sum.json"))
		<-s.begun
	}
	res, body := u.get("/console/key.json?key=a")
	u.refused(res, body, http.StatusServiceUnavailable)
	if err := u.Shutdown(context.Background()); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	for _, r := range running {
		if body := <-r; !strings.Contains(body, "the question was not answered") {
			t.Errorf("a question was answered %q", body)
		}
	}
}
