package main

import (
	"os"
	"regexp"
	"strings"
)

// wantsJSON reports whether failures are to be told as JSON. The command line may
// be one that cannot be read, so this looks for the flag alone.
func wantsJSON(args []string) bool {
	short := regexp.MustCompile(`^-[hqv]*o=?(.*)$`)
	format := os.Getenv("KV_OUTPUT")
	for i, arg := range args {
		found := short.FindStringSubmatch(arg)
		long, ok := strings.CutPrefix(arg, "--output")
		switch {
		case arg == "--":
			return isJSON(format)
		case ok && strings.HasPrefix(long, "="):
			format = long[1:]
		case (ok && long == "" || found != nil && found[1] == "") && i+1 < len(args):
			format = args[i+1]
		case found != nil:
			format = found[1]
		}
	}
	return isJSON(format)
}

func isJSON(format string) bool { return format == "json" || format == "jsonl" }
