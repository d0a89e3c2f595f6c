read_call "$@"

# Who only looks needs no more of the program: a shell reads it as far as it runs it, and most of a look was reading the rest.
case $verb in service | status | logs | journal) "do_$verb" ;; esac

