package explore

import (
	"testing"
)

func TestGeneratedScenariosAreWellFormed(t *testing.T) {
	for seed := range uint64(300) {
		if err := Generate(seed).Validate(); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, Generate(seed).Print())
		}
	}
}
