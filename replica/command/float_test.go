package command

import "testing"

// What is next to nothing costs no more than other numbers: its digits are not all
// looked for, while everybody waits.
func TestNumbersNextToNothing(t *testing.T) {
	for text, ok := range map[string]bool{
		"1e-4930": true, "-1e-4930": true, "0e-99999999": true, "0x1p-16000": true, "1e-5000": false, "1e-300000": false, "-1e-99999999": false, "1e-9999999999": false, "0x1p-2000000000": false,
	} {
		f, fine := parseFloat([]byte(text))
		if fine != ok {
			t.Errorf("%s is a number: %t", text, fine)
		} else if fine && string(formatFloat(f)) != "0" {
			t.Errorf("%s shows %s", text, formatFloat(f))
		}
	}
}
