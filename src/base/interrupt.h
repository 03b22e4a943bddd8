#pragma once
// Stopping early. The command line's signal handler asks; long loops look and throw, and what they hold
// rolls back.

namespace axle {

// Async-signal-safe. Takes effect for the whole process, once.
void request_interrupt(int signal) noexcept;
// The signal that was asked for, or 0.
int interrupt_signal() noexcept;
// Throws Error(interrupted) when a stop was asked for.
void throw_if_interrupted();

}  // namespace axle
