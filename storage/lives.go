package storage

import (
	"errors"
	"fmt"

	"kvd/logical"
)

// livesFormat is the version of this layout:
//
//	format, origin …, ascending
const livesFormat = 1

// AppendLives appends the encoding of lives, which ascend, to dst.
func AppendLives(dst []byte, lives []logical.Origin) []byte {
	dst = append(appendArray(dst, 1+len(lives)), livesFormat)
	for _, o := range lives {
		dst = appendUint(dst, uint64(o))
	}
	return dst
}

// DecodeLives reads what [AppendLives] wrote and nothing else.
func DecodeLives(b []byte) ([]logical.Origin, error) {
	r := newReader("lives", b)
	n := r.array("lives", 1+MaxDeps, 1) - 1
	r.require(n >= 0 && r.uint() == livesFormat, "the format is not known to this version of the program")
	var lives []logical.Origin
	for i := 0; i < n && r.err == nil; i++ {
		lives = append(lives, logical.Origin(r.uint()))
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	return lives, checkLives(lives)
}

// checkLives says why lives cannot be encoded.
func checkLives(lives []logical.Origin) error {
	if len(lives) > MaxDeps {
		return fmt.Errorf("%d lives; the limit is %d", len(lives), MaxDeps)
	}
	for i, o := range lives {
		if o == 0 || i > 0 && lives[i-1] >= o {
			return errors.New("the lives do not ascend")
		}
	}
	return nil
}
