//! What a service manager hands over in a folder.

use crate::base::log::Log;
use crate::tracker::sharing::share::ShareSecret;
use crate::tracker::start::config::Config;
use crate::tracker::start::error::StartError;
use std::fs;
use std::io::ErrorKind;

/// Takes the files that no other field names from the folder that a service manager hands over.
///
/// If the folder cannot be used, and a password would be made up for that reason. A file in the folder that
/// cannot be read is an error later, as if the operator had named it.
pub(crate) fn take_from_manager(config: &mut Config, log: &Log) -> Result<(), StartError> {
    let Some(folder) = config.credentials.take() else {
        return Ok(());
    };
    let has_password = !config.passwords.is_empty();
    let mut secret = None;
    let wants_no_secret =
        !matches!(&config.share, Some(share) if matches!(share.secret, ShareSecret::None));
    let mut trouble = fs::metadata(&folder).err();
    for (file, name, is_given) in [
        (&mut config.password_file, "password", has_password),
        (&mut config.keys_file, "keys", false),
        (&mut config.bans_file, "bans", false),
        (&mut secret, "share-password", wants_no_secret),
    ] {
        if file.is_some() || is_given {
            continue;
        }
        let path = folder.join(name);
        // The link itself is looked at: one that leads to nothing was meant to be something.
        match fs::symlink_metadata(&path) {
            Ok(_) => *file = Some(path),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => trouble = Some(error),
        }
    }
    if let (Some(share), Some(path)) = (&mut config.share, secret) {
        share.secret = ShareSecret::File(path);
    }
    let Some(error) = trouble else { return Ok(()) };
    if !has_password && config.password_file.is_none() && config.keys_file.is_none() {
        return Err(StartError::NoCredentials(folder, error));
    }
    let (folder, so) = (folder.display(), "nothing is taken from there");
    log.warn(
        "credentials-not-read",
        &[("folder", &folder), ("error", &error), ("so", &so)],
    );
    Ok(())
}
