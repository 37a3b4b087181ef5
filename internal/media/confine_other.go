//go:build unix && !linux

package media

// ownProgram is not used: there is no sandbox.
const ownProgram = ""

func cannotConfine() (why string) { return "only Linux can confine it" }

// Helper must be called at the beginning of main. In a process that was started to sandbox a program, it does that
// and does not return. This system has no sandbox, so it does nothing.
func Helper() {}
