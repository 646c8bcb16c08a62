package member

import (
	"bytes"
	"context"
	"log"
	"log/slog"
)

// lines carries what serf and memberlist say into slog. They write whole lines,
// "[WARN] serf: ..." each, and the word in brackets is the level.
type lines struct{ to *slog.Logger }

func serfLogger(to *slog.Logger) *log.Logger { return log.New(lines{to}, "", 0) }

// Write logs one line. It never fails: nothing that serf does depends on it.
func (l lines) Write(line []byte) (int, error) {
	level, part, says := parseLine(line)
	if ctx := context.Background(); l.to.Enabled(ctx, level) {
		l.to.Log(ctx, level, string(says), "part", string(part))
	}
	return len(line), nil
}

// levels are the words in brackets, as far as the closing one. A line without one is taken for a warning:
// the few there are complain about the network.
var levels = map[string]slog.Level{
	"[TRACE": slog.LevelDebug, "[DEBUG": slog.LevelDebug, "[INFO": slog.LevelInfo,
	"[WARN": slog.LevelWarn, "[ERR": slog.LevelError, "[ERROR": slog.LevelError,
}

// parseLine splits "[LEVEL] part: message\n". All it returns is of line.
func parseLine(line []byte) (level slog.Level, part, says []byte) {
	level, says, part = slog.LevelWarn, bytes.TrimSpace(line), []byte("serf")
	if word, rest, found := bytes.Cut(says, []byte("] ")); found {
		if l, known := levels[string(word)]; known {
			level, says = l, rest
		}
	}
	for _, who := range []string{"serf", "memberlist"} {
		if rest, found := bytes.CutPrefix(says, []byte(who+": ")); found {
			return level, []byte(who), rest
		}
	}
	return level, part, says
}
