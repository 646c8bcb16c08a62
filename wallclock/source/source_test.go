package source

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/ntp"
	"github.com/facebook/time/ntp/chrony"

	"kvd/wallclock"
)

func TestParse(t *testing.T) {
	for text, names := range map[string]string{
		"auto": "clockbound chrony kernel", "claim": "", "kernel": "kernel", "chrony": "chrony", "clockbound": "clockbound",
		"ntp:a,b:1123": "ntp:a,b:1123", "chrony:[::1]:323": "chrony:[::1]:323", "clockbound:/run/page": "clockbound:/run/page",
	} {
		all, err := Parse(text, 0)
		var said []string
		for _, s := range all {
			said = append(said, s.Name())
		}
		if got := strings.Join(said, " "); err != nil || got != names {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "ntp", "ntp:", "ntp:a,,b", "ntp:a b", "ntp:" + strings.Repeat("a,", 16) + "a", "chrony:", "chrony:host", "clockbound:", "kernel:x", "auto:x", "gps"} {
		if _, err := Parse(text, 0); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func tracking(change func(*chrony.Tracking)) chrony.Tracking {
	t := chrony.Tracking{Stratum: 2, CurrentCorrection: -0.001, RootDispersion: 0.002, RootDelay: 0.006}
	change(&t)
	return t
}

func TestChronysReport(t *testing.T) {
	a, err := judgeTracking(tracking(func(*chrony.Tracking) {}), wallclock.Moment{}, wallclock.Mono(time.Millisecond))
	if want := 7 * time.Millisecond; err != nil || a.Ahead != (wallclock.Offset{Earliest: -want, Latest: want}) {
		t.Errorf("%+v, %v", a, err)
	}
	for name, change := range map[string]func(*chrony.Tracking){
		"not synchronised": func(t *chrony.Tracking) { t.LeapStatus = 3 }, "no stratum": func(t *chrony.Tracking) { t.Stratum = 0 }, "stratum 16": func(t *chrony.Tracking) { t.Stratum = 16 },
		"negative": func(t *chrony.Tracking) { t.RootDispersion = -1 }, "negative delay": func(t *chrony.Tracking) { t.RootDelay = -1 },
		"endless": func(t *chrony.Tracking) { t.CurrentCorrection = math.Inf(-1) }, "no number": func(t *chrony.Tracking) { t.RootDelay = math.NaN() }, "wide": func(t *chrony.Tracking) { t.RootDispersion = 16 },
	} {
		if a, err := judgeTracking(tracking(change), wallclock.Moment{}, 0); err == nil {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

func TestNTPAnswers(t *testing.T) {
	good := func() *ntp.Response {
		return &ntp.Response{Version: 4, Stratum: 2, ClockOffset: time.Second, RTT: 10 * time.Millisecond, RootDelay: 4 * time.Millisecond, RootDispersion: 3 * time.Millisecond,
			ReferenceTime: time.Unix(1e9, 0), Time: time.Unix(1e9, 0), Leap: ntp.LeapNoWarning}
	}
	b, err := judgeNTP(good(), wallclock.Moment{})
	if want := (wallclock.Offset{Earliest: 990 * time.Millisecond, Latest: 1010 * time.Millisecond}); err != nil || b.Ahead != want {
		t.Errorf("%+v, %v", b, err)
	}
	for name, change := range map[string]func(*ntp.Response){
		"kiss of death": func(r *ntp.Response) { r.Stratum, r.KissCode = 0, "RATE" }, "not in sync": func(r *ntp.Response) { r.Leap = ntp.LeapNotInSync },
		"negative": func(r *ntp.Response) { r.RTT = -1 }, "negative delay": func(r *ntp.Response) { r.RootDelay = -1 }, "negative dispersion": func(r *ntp.Response) { r.RootDispersion = -1 },
		"wide": func(r *ntp.Response) { r.RootDispersion = 20 * time.Second },
	} {
		r := good()
		change(r)
		if b, err := judgeNTP(r, wallclock.Moment{}); err == nil {
			t.Errorf("%s: %+v", name, b)
		}
	}
}

// A majority of the servers that were asked decides, and who is wrong is named.
func TestServersOutvoteTheOneThatIsWrong(t *testing.T) {
	at := wallclock.Moment{Mono: 5e9, Wall: wallclock.Around(1e18, 0)}
	says := func(name string, low, high time.Duration) heard {
		return heard{name, wallclock.Bound{At: at, Ahead: wallclock.Offset{Earliest: low * time.Millisecond, Latest: high * time.Millisecond}}, nil}
	}
	away := heard{server: "c", err: errors.New("timeout")}
	a, err := judgeServers([]heard{says("a", -5, 5), says("b", 0, 8), says("liar", 3_600_000, 3_600_001)}, at)
	if err != nil || a.Ahead != (wallclock.Offset{Earliest: 0, Latest: 5 * time.Millisecond}) || !strings.Contains(a.Reason, "2 of 3") || !strings.Contains(a.Reason, "wrong: liar") {
		t.Errorf("%+v, %v", a, err)
	}
	later := wallclock.Moment{Mono: 5e9, Wall: wallclock.Around(1e18+3e9, 0)} // the clock was set meanwhile
	if a, err = judgeServers([]heard{says("a", -5, 5)}, later); err != nil || a.Ahead.Midpoint() != -3*time.Second {
		t.Errorf("%+v, %v", a, err)
	}
	for want, all := range map[string][]heard{
		"no majority agrees": {says("a", -5, 5), says("b", 10, 20)},
		"1 of 3 NTP servers": {says("a", -5, 5), away, away},
	} {
		if a, err := judgeServers(all, at); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v, %v", a, err)
		}
	}
}

// ntpServer answers with what is reckoned from true time, which the test's machine shows
// less off. A nil answer is silence.
func ntpServer(t *testing.T, change func(answer []byte) []byte, off time.Duration) string {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		b := make([]byte, 1024)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			if n < 48 {
				continue
			}
			stamp := func(at time.Time) []byte {
				s := uint64(at.Unix()+2208988800)<<32 | uint64(at.Nanosecond())<<32/1e9
				return binary.BigEndian.AppendUint64(nil, s)
			}
			now := stamp(time.Now().Add(off))
			answer := append([]byte{4<<3 | 4, 1, 6, 0xEC, 0, 0, 0, 0, 0, 0, 0, 0, 'G', 'P', 'S', 0}, now...)
			answer = append(append(append(answer, b[40:48]...), now...), now...)
			if answer = change(answer); answer != nil {
				conn.WriteTo(answer, from)
			}
		}
	}()
	return conn.LocalAddr().String()
}

func TestServersThatAreAsked(t *testing.T) {
	plain := func(b []byte) []byte { return b }
	system := wallclock.NewSystem(0)
	ask := func(servers ...string) (Answer, error) { return NTP(servers).Sample(t.Context(), system.Now) }
	a, err := ask(ntpServer(t, plain, 3*time.Second), ntpServer(t, plain, 3*time.Second), ntpServer(t, plain, -time.Hour))
	if err != nil || a.Ahead.Earliest > 3*time.Second || a.Ahead.Latest < 3*time.Second || !strings.Contains(a.Reason, "2 of 3 servers agree: the clock is ") || !strings.Contains(a.Reason, "behind; wrong: 127") {
		t.Errorf("%+v, %v", a, err)
	}
	if a, err := ask(ntpServer(t, func(b []byte) []byte { b[1] = 0; copy(b[12:], "DENY"); return b }, 0)); err == nil || !strings.Contains(err.Error(), "DENY") {
		t.Errorf("%+v, %v", a, err)
	}
	for name, change := range map[string]func([]byte) []byte{
		"cut short": func(b []byte) []byte { return b[:20] }, "zeros": func(b []byte) []byte { return make([]byte, 48) }, "another question's": func(b []byte) []byte { b[24]++; return b },
	} {
		if a, err := ask(ntpServer(t, change, 0)); err == nil {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

// page is one of ClockBound's, as its daemon writes it.
func page(version uint16, asOf, void time.Duration, bound int64, ppb uint32, status int32) []byte {
	var b bytes.Buffer
	put := func(v any) { binary.Write(&b, binary.NativeEndian, v) }
	put([]uint32{0x414D5A4E, 0x43420200})
	put(uint32(map[uint16]int{1: pageOne, 2: pageTwo}[version]))
	put([]uint16{version, 4})
	put([]int64{int64(asOf / time.Second), int64(asOf % time.Second), int64(void / time.Second), int64(void % time.Second), bound})
	if version == 2 {
		put(uint64(7)) // disruption marker
		put(ppb)
		put(status)
		put([8]byte{1})
		return b.Bytes()
	}
	put([]uint32{ppb, 0})
	put([]int32{status, 0})
	return b.Bytes()
}

func TestClockBoundsPages(t *testing.T) {
	file := filepath.Join(t.TempDir(), "shm0")
	c := clockBound{[]string{file}, "clockbound", func() (time.Duration, error) { return 110 * time.Second, nil }}
	sample := func(b []byte) (Answer, error) {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return c.Sample(t.Context(), func() wallclock.Moment { return wallclock.Moment{} })
	}
	if _, err := c.Sample(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "no ClockBound daemon") {
		t.Errorf("without a page: %v", err)
	}
	const s = time.Second
	for _, version := range []uint16{1, 2} {
		good := page(version, 100*s, 1100*s, 1e6, 50_000, 1)
		a, err := sample(good)
		if want := time.Millisecond + 500_500*time.Nanosecond; err != nil || a.Ahead != (wallclock.Offset{Earliest: -want, Latest: want}) { // 10.01 s at 50 ppm
			t.Errorf("layout %d: %+v, %v", version, a, err)
		}
		torn := bytes.Clone(good)
		torn[14]++ // an odd generation: it is being written
		for name, b := range map[string][]byte{
			"unknown": page(version, 100*s, 1100*s, 1e6, 50_000, 0), "disrupted": page(version, 100*s, 1100*s, 1e6, 50_000, 3), "void": page(version, 100*s, 109*s, 1e6, 50_000, 1),
			"of another boot": page(version, 111*s, 1100*s, 1e6, 50_000, 1), "negative": page(version, 100*s, 1100*s, -1, 50_000, 1), "wide": page(version, 100*s, 1100*s, 16e9, 50_000, 1),
			"valid for years": page(version, 100*s, 1e9*s, 1e6, 50_000, 1), "layout 3": page(3, 100*s, 1100*s, 1e6, 50_000, 1), "cut": good[:pageOne-1], "no page": []byte(strings.Repeat("x", 80)), "empty": {}, "torn": torn,
			"overflow": page(version, 100*s, 1100*s, math.MaxInt64, math.MaxUint32, 1),
		} {
			if a, err := sample(b); err == nil {
				t.Errorf("layout %d, %s: %+v", version, name, a)
			}
		}
	}
}

// Whatever a page holds, its bound is an error, or no narrower than what it says.
func FuzzClockBoundsPage(f *testing.F) {
	for _, version := range []uint16{1, 2, 3} {
		f.Add(page(version, 100*time.Second, 1100*time.Second, 1e6, 50_000, 1), int64(110*time.Second))
	}
	f.Fuzz(func(t *testing.T, b []byte, now int64) {
		p, err := decodePage(b)
		if err != nil {
			return
		}
		a, err := p.judge(time.Duration(now), wallclock.Moment{})
		if err == nil && (a.Ahead.Latest < p.bound || a.Ahead.Earliest != -a.Ahead.Latest || a.Ahead.Latest >= maxError) {
			t.Errorf("%+v of a page that says %s", a, p.bound)
		}
	})
}

// packets is a connection on which one packet is to be read.
type packets struct{ bytes.Buffer }

func (p *packets) Write(b []byte) (int, error) { return len(b), nil }

// Whatever chronyd answers, its bound is an error, or wider than nothing.
func FuzzChronysAnswer(f *testing.F) {
	for _, n := range []int{0, 28, 104} {
		b := make([]byte, n)
		if n > 10 {
			b[0], b[1], b[5], b[7] = 6, 2, 33, 5
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var p packets
		p.Buffer.Write(b)
		reply, err := (&chrony.Client{Connection: &p}).Communicate(chrony.NewTrackingPacket())
		r, ok := reply.(*chrony.ReplyTracking)
		if err != nil || !ok {
			return
		}
		a, err := judgeTracking(r.Tracking, wallclock.Moment{}, 0)
		if err == nil && (a.Ahead.Latest < 0 || a.Ahead.Earliest != -a.Ahead.Latest || a.Ahead.Latest >= maxError) {
			t.Errorf("%+v of %+v", a, r.Tracking)
		}
	})
}

// lockedBuffer is what a process writes while a test reads it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
