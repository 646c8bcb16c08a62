package member

import (
	"bytes"
	"log/slog"
	"testing"
)

func TestLinesKeepTheirLevel(t *testing.T) {
	for _, tc := range []struct {
		line, part, says string
		level            slog.Level
	}{
		{"[DEBUG] memberlist: Stream connection from=127.0.0.1:1\n", "memberlist", "Stream connection from=127.0.0.1:1", slog.LevelDebug},
		{"[INFO] serf: EventMemberJoin: b 127.0.0.1\n", "serf", "EventMemberJoin: b 127.0.0.1", slog.LevelInfo},
		{"[WARN] serf: Shutdown without a Leave", "serf", "Shutdown without a Leave", slog.LevelWarn},
		{"[ERR] Failed to shutdown transport: x\n", "serf", "Failed to shutdown transport: x", slog.LevelError},
		{"[ERROR] memberlist: y\n", "memberlist", "y", slog.LevelError},
		{"Err: Could not set the deadline: z\n", "serf", "Err: Could not set the deadline: z", slog.LevelWarn},
		{"[ODD] serf: w\n", "serf", "[ODD] serf: w", slog.LevelWarn},
		{"] x\n", "serf", "] x", slog.LevelWarn},
		{"\n", "serf", "", slog.LevelWarn},
	} {
		level, part, says := parseLine([]byte(tc.line))
		if level != tc.level || string(part) != tc.part || string(says) != tc.says {
			t.Errorf("%q is %v %q %q", tc.line, level, part, says)
		}
	}
}

func TestLinesBelowTheLevelAreDropped(t *testing.T) {
	var out bytes.Buffer
	l := serfLogger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn})))
	l.Printf("[DEBUG] memberlist: noise")
	if out.Len() > 0 {
		t.Errorf("a debug line got through: %s", out.String())
	}
	l.Printf("[WARN] memberlist: trouble")
	if want := []byte(`level=WARN msg=trouble part=memberlist`); !bytes.Contains(out.Bytes(), want) {
		t.Errorf("%s does not contain %s", out.String(), want)
	}
}
