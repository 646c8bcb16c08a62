package main

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"

	"kvd/cmd/internal/cliutil"
)

// marshal is JSON on one line, with < and > as they are.
func marshal[T any](v T) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// blob is a value in JSON: text where it is text.
type blob = cliutil.Blob

func blobOf(value string) blob { return cliutil.BlobOf(value) }

func blobsOf(values []string) []blob {
	all := make([]blob, len(values))
	for i, v := range values {
		all[i] = blobOf(v)
	}
	return all
}

// keyName is a key in JSON: a string, or a blob if it is not text.
type keyName string

// MarshalJSON chooses.
func (k keyName) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(k)) {
		return marshal(string(k))
	}
	return marshal(blobOf(string(k)))
}

// printable is a text on one line that does nothing to a terminal: as it is, or
// quoted.
func printable(text string) string { return cliutil.Printable(text) }

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
