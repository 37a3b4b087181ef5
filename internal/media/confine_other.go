//go:build unix && !linux

package media

// ownProgram is never started: nothing has a cell.
const ownProgram = ""

func cannotConfine() (why string) { return "only Linux can confine it" }

// Helper must be called at the beginning of main. In a process that was started to confine a program it does that and
// does not return. On this system there are none.
func Helper() {}
