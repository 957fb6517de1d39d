use domain::logo::{Logo, LogoKind};
use server::store::{Store, logos::LogoPlace};

use super::at;
use crate::support::db::on_both;

on_both!(there_is_one_logo_and_it_comes_back_byte_by_byte);

fn logo(kind: LogoKind, bytes: &[u8]) -> Logo {
    Logo { kind, width: 320, height: 80, bytes: bytes.to_vec() }
}

async fn there_is_one_logo_and_it_comes_back_byte_by_byte(store: Store) {
    assert_eq!(store.logo().await.unwrap(), None);
    let every_byte: Vec<u8> = (0..=u8::MAX).cycle().take(200_000).collect();
    let (first, second) = (logo(LogoKind::Png, &every_byte), logo(LogoKind::Webp, b"another"));
    // The last one twice, as by a form that was sent twice.
    for logo in [&first, &second, &second] {
        let mut write = store.write().await.unwrap();
        write.put_logo(logo, at(0)).await.unwrap();
        let place = LogoPlace { hash: logo.hash(), kind: logo.kind, width: 320, height: 80 };
        assert_eq!(write.logo().await.unwrap().as_ref(), Some(&place));
        write.commit().await.unwrap();
        assert_eq!(store.logo().await.unwrap(), Some(place));
        let file = store.logo_file(&logo.hash()).await.unwrap();
        assert_eq!(file, Some((logo.kind, logo.bytes.clone())));
    }
    assert_eq!(store.logo_file(&first.hash()).await.unwrap(), None);
    let mut write = store.write().await.unwrap();
    write.delete_logo().await.unwrap();
    write.commit().await.unwrap();
    assert_eq!((store.logo().await.unwrap(), store.logo_file(&second.hash()).await.unwrap()), (None, None));
}
