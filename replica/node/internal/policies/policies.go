// Package policies is how leaders tell each other under which policy they serve.
//
// What it is not: it judges nothing, and knows no store.
package policies

import (
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// maxDigest is how many of gossip's bytes a policy may take.
const maxDigest = 96

// Digest travels with every member. A policy that is short enough stands for
// itself, so that a refusal can name the difference.
func Digest(policy string) string {
	if len(policy) <= maxDigest {
		return policy
	}
	return strconv.FormatUint(xxhash.Sum64String(policy), 16)
}
