#if os(Linux)
    import Glibc

    /// To write to a connection that the other side has closed is an error like others, and must not end the process. Apple's
    /// sockets are told so one by one; on Linux the signal has to be ignored by the process, as a program in Rust does by itself.
    /// A handler that the program has set itself is left alone.
    let quietPipes: Void = {
        var present = sigaction()
        if sigaction(SIGPIPE, nil, &present) == 0, present.__sigaction_handler.sa_handler == nil {
            signal(SIGPIPE, SIG_IGN)
        }
    }()
#endif
