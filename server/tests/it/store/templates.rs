use domain::{
    ids::{ComponentId, TemplateId},
    status::{ComponentStatus, IncidentStatus},
    template::Template,
};
use server::store::Store;

use super::{AWKWARD, at};
use crate::support::db::on_both;

on_both!(templates_come_back_by_name_as_they_were_written, a_name_is_given_once, a_deleted_template_is_gone);

fn template(number: u64, name: &str) -> Template {
    Template {
        id: TemplateId::from_random(number),
        name: name.into(),
        title: AWKWARD.into(),
        status: Some(IncidentStatus::Monitoring),
        body: AWKWARD.into(),
        components: [(ComponentId::from_random(1), ComponentStatus::MajorOutage)].into(),
    }
}

async fn put(store: &Store, template: &Template) -> bool {
    let mut write = store.write().await.unwrap();
    let is_put = write.put_template(template, at(1)).await.unwrap();
    write.commit().await.unwrap();
    is_put
}

async fn templates_come_back_by_name_as_they_were_written(store: Store) {
    let (first, second) = (template(1, "Database"), Template { status: None, ..template(2, "API") });
    assert!(put(&store, &first).await && put(&store, &second).await);
    assert_eq!(store.templates().await.unwrap(), [second.clone(), first.clone()]);
    let changed = Template { name: "Zone".into(), title: String::new(), ..second };
    assert!(put(&store, &changed).await);
    assert_eq!(store.template(&changed.id).await.unwrap(), Some(changed.clone()));
    assert_eq!(store.templates().await.unwrap(), [first, changed]);
}

async fn a_name_is_given_once(store: Store) {
    assert!(put(&store, &template(1, "Database")).await);
    assert!(!put(&store, &template(2, "Database")).await);
    assert!(put(&store, &template(1, "Database")).await);
    assert_eq!(store.templates().await.unwrap().len(), 1);
}

async fn a_deleted_template_is_gone(store: Store) {
    let template = template(1, "Database");
    put(&store, &template).await;
    let mut write = store.write().await.unwrap();
    assert!(write.delete_template(&template.id).await.unwrap());
    assert!(!write.delete_template(&template.id).await.unwrap());
    write.commit().await.unwrap();
    assert_eq!(store.template(&template.id).await.unwrap(), None);
}
