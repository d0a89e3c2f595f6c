# What the login had, for what is run on behalf of people.
login_umask=$(umask)
umask 022
main "$@"
