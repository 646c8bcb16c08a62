package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"kvd/scenarios"
	"kvd/scenarios/library"
	"kvd/scenarios/page"
	"kvd/scenarios/page/played"
	"kvd/scenarios/script"
)

// Request is what the page asks.
type Request struct {
	Do    string `json:"do"`    // open, look, turn, play
	Name  string `json:"name"`  // open: a scenario of the library
	Text  string `json:"text"`  // all others: the script
	Knob  string `json:"knob"`  // turn: a Knob's ID
	Value int64  `json:"value"` // turn: in nanoseconds
	Seed  string `json:"seed"`  // play: decimal, since a browser rounds; empty: the script's, else 1
}

// Answer is what the page is told. Mistakes are what is wrong; the rest is empty then.
type Answer struct {
	Text     string          `json:"text,omitempty"`  // open, turn: the script from now on
	Knobs    []Knob          `json:"knobs,omitempty"` // open, look, turn
	Story    json.RawMessage `json:"story,omitempty"` // play: as in package page
	Seed     string          `json:"seed,omitempty"`  // play: the one that was played
	Mistakes []Mistake       `json:"mistakes,omitempty"`
}

// maxWork bounds what is played: how often something happens, times the leaders that hear
// of it. The library's hot-set has 10,000, which takes a browser half a minute.
const maxWork = 20_000

// Do answers a request. done is told of each run that has ended; it may be nil.
func Do(q Request, done func(finished, total int)) Answer {
	if q.Do == "open" {
		text, err := library.Source(q.Name)
		if err != nil {
			return wrong(err)
		}
		q.Text = string(text)
	}
	s, err := script.Parse(fileName, []byte(q.Text))
	if err != nil {
		return wrong(err)
	}
	switch q.Do {
	case "open":
		s.Expect = script.Table{} // of the script as it ships
		return changed(s)
	case "look":
		return Answer{Knobs: knobs(s)}
	case "turn":
		return turn(s, q)
	case "play":
		return play(s, q, done)
	}
	return wrong(fmt.Errorf("the page asks for %q, and there are open, look, turn and play", q.Do))
}

// changed is a script as it is from now on.
func changed(s *script.Scenario) Answer { return Answer{Text: string(s.Print()), Knobs: knobs(s)} }

func turn(s *script.Scenario, q Request) Answer {
	if err := set(s, q.Knob, q.Value); err != nil {
		return wrong(err)
	}
	text := s.Print()
	s, err := script.Parse(fileName, text) // as it will be read, line for line
	if err != nil {
		return wrong(err)
	}
	return changed(s)
}

// play plays the script under every resolver.
func play(s *script.Scenario, q Request, done func(finished, total int)) Answer {
	seed, err := uint64(0), error(nil)
	if q.Seed != "" {
		if seed, err = strconv.ParseUint(q.Seed, 10, 64); err != nil {
			return wrong(fmt.Errorf("the seed %q is no whole number from 0 to %d", q.Seed, uint64(1<<64-1)))
		}
	}
	if err := bounded(s); err != nil {
		return wrong(err)
	}
	results, err := scenarios.Compare(context.Background(), []*script.Scenario{s}, scenarios.Resolvers(), seed, 1, done)
	if err != nil {
		return wrong(err)
	}
	return told(s, results, scenarios.SeedOf(s, seed))
}

// told is the answer with the story of the results.
func told(s *script.Scenario, results []*scenarios.Result, seed uint64) Answer {
	story, err := played.Story(s, results)
	if err != nil {
		return wrong(err)
	}
	story.Again = fmt.Sprintf("scenario compare mine.txtar --seed %d", seed)
	data, err := page.Encode(story)
	if err != nil {
		return wrong(err)
	}
	return Answer{Story: data, Seed: strconv.FormatUint(seed, 10)}
}

// bounded refuses what would take a browser minutes.
func bounded(s *script.Scenario) error {
	happenings := 0
	for _, e := range s.Events {
		happenings += e.Times()
	}
	if happenings*len(s.Leaders) <= maxWork {
		return nil
	}
	return fmt.Errorf("%d things happen among %d leaders, and a browser plays at most %d; take fewer, or save the script and play it with scenario compare mine.txtar",
		happenings, len(s.Leaders), maxWork/len(s.Leaders))
}
