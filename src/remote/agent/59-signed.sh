# --- Signatures -----------------------------------------------------------------------------------------------------

# Before anything of a release is unpacked: leaves statement and signature to be kept with its manifest.
check_signed() {
  find_signers || return 0
  [ -n "$statement" ] && [ -n "$signature" ] || end 11 "$release is not signed, and this host takes signed releases only ($signers)"
  signed=.deliver/signed.$nonce
  temporary=$signed
  mkdir "$signed" && printf '%s\n' "$statement" >"$signed/statement" &&
    printf -- '-----BEGIN SSH SIGNATURE-----\n%s\n-----END SSH SIGNATURE-----\n' "$signature" >"$signed/signature" || write_failed 'the signature'
  verify_signed "$signed"
}

# What is put must be the archive that was signed, unless it was compressed anew for this host: then the listing decides.
check_signed_archive() {
  [ -n "$signers" ] || return 0
  case $encoding in zstd) wanted_format=tar.zst ;; gzip) wanted_format=tar.gz ;; *) wanted_format=tar ;; esac
  signed_archive=$(sed -n 's/^archive=//p' "$signed/statement")
  [ "${signed_archive%% *}" = "$wanted_format" ] || return 0
  [ "$(hash_stdin <"$scratch/archive")" = "${signed_archive##* }" ] || end 11 "the archive of $release is not the one that was signed"
}

verify_signed() {
  [ -f "$signers" ] && [ -r "$signers" ] || end 11 "$signers can't be read, so no signature can be verified"
  command -v ssh-keygen >/dev/null 2>&1 || end 11 "there is no ssh-keygen on this host to verify signatures with. Install OpenSSH's client"
  {
    read -r signed_kind && read -r signed_app && read -r signed_release && read -r signed_listing
  } <"$1/statement" || end 11 "the signed statement of $release is cut"
  [ "$signed_kind" = 'deliver-release 1' ] && [ "$signed_release" = "release=$release" ] && [ "$signed_listing" = "listing=$digest" ] ||
    end 11 "the signature is not of $release with this content"
  signed_app=${signed_app#app=}
  is_name "$signed_app" || end 11 "the signed statement of $release names no app"
  set -- "$1" -Y verify -f "$signers" -I "$signed_app" -n deliver -s "$1/signature"
  [ ! -e "${signers%/*}/revoked_signers" ] || set -- "$@" -r "${signers%/*}/revoked_signers"
  signed_in=$1
  shift
  ssh-keygen "$@" <"$signed_in/statement" >/dev/null 2>&1 ||
    end 11 "no key that $signers allows to sign for $signed_app signed $release with this content"
}

keep_signed() {
  [ -n "$signers" ] || return 0
  cp "$signed/statement" "$signed/signature" "$1" || write_failed 'the signature'
}

# A release that is here may be from a time before there were signers, and its signer may have been revoked since. What runs, and what
# an automatic way back leads to, is not asked.
check_signed_release() {
  find_signers || return 0
  [ -f ".deliver/manifests/$release/signature" ] || end 11 "$release was staged here without a signature, and this host takes signed releases only ($signers)"
  verify_signed ".deliver/manifests/$release"
}

