package log

import "slices"

// Refit gives every frame of a segment that can be told apart the checksum that fits it, so
// that a fuzzer gets beyond checksums.
func Refit(segment []byte, number uint32) []byte {
	out := slices.Clone(segment)
	for at := 0; at+headBytes <= len(out); {
		h, ok := parseHead(out[at:])
		if !ok || h.size > int64(len(out)-at) {
			break
		}
		frame := out[at : at+int(h.size)]
		finishFrame(frame, newPosition(number, int64(at)), h.kind, uint32(h.synced))
		at += len(frame)
	}
	return out
}
