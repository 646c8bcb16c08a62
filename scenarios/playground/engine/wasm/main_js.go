// Command wasm is the engine of the playground in a browser. It runs in a worker and
// answers one question after another, each from JSON to JSON:
//
//	askEngine(request, answered, progressed)
//
// askEngine is a function of the worker's global scope; answered is called once with the
// answer, progressed with how many runs of how many have ended. engineReady is called when
// askEngine is there.
package main

import (
	"encoding/json"
	"fmt"
	"syscall/js"

	"kvd/scenarios/playground/engine"
)

func main() {
	js.Global().Set("askEngine", js.FuncOf(func(_ js.Value, args []js.Value) any {
		// A callback must not wait for other goroutines, as playing does.
		go func() { args[1].Invoke(answer(args[0].String(), args[2])) }()
		return nil
	}))
	js.Global().Call("engineReady")
	select {}
}

// answer is the JSON of the answer to the JSON of a request.
func answer(request string, progressed js.Value) string {
	var q engine.Request
	if err := json.Unmarshal([]byte(request), &q); err != nil {
		return failed(err)
	}
	text, err := json.Marshal(engine.Do(q, func(finished, total int) { progressed.Invoke(finished, total) }))
	if err != nil {
		return failed(err)
	}
	return string(text)
}

func failed(err error) string {
	text, _ := json.Marshal(engine.Answer{Mistakes: []engine.Mistake{{Message: fmt.Sprintf("the page and its engine do not understand each other: %v", err)}}})
	return string(text)
}
