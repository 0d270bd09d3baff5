//! An enum of errors in which each variant stands with its code and its hint.

/// Declares an enum of errors, with `code` and `hint`.
///
/// Behind each variant stand `=> CODE` or `=> CODE, HINT`: expressions in which the fields of the
/// variant are references. A hint is what [`IntoHint`] takes.
macro_rules! coded {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $(
                $(#[$about:meta])*
                $variant:ident $({ $( $(#[$field_about:meta])* $field:ident: $type:ty ),+ $(,)? })?
                => $code:expr $(, $hint:expr)?;
            )+
        }
    ) => {
        $(#[$meta])*
        pub enum $name {
            $( $(#[$about])* $variant $({ $( $(#[$field_about])* $field: $type ),+ })? ),+
        }

        #[allow(unused_variables, clippy::match_same_arms, clippy::too_many_lines)]
        impl $name {
            /// The code, stable over releases.
            pub fn code(&self) -> &'static str {
                match self {
                    $( Self::$variant $({ $($field),+ })? => $code, )+
                }
            }

            /// What to do about it, where there is something to do.
            ///
            /// A hint names no option of the command line, which has hints of its own.
            pub fn hint(&self) -> Option<String> {
                match self {
                    $( Self::$variant $({ $($field),+ })? => {
                        $crate::error::coded::hint!($($hint)?)
                    } )+
                }
            }
        }

        #[cfg(test)]
        impl $name {
            /// The names of all variants.
            pub(crate) const VARIANTS: &'static [&'static str] = &[$(stringify!($variant)),+];

            /// The name of this variant.
            #[allow(unused_variables)]
            pub(crate) fn variant(&self) -> &'static str {
                match self {
                    $( Self::$variant $({ $($field),+ })? => stringify!($variant), )+
                }
            }
        }
    };
}

macro_rules! hint {
    () => {
        None
    };
    ($hint:expr) => {
        $crate::error::coded::IntoHint::into_hint($hint)
    };
}

pub(super) use {coded, hint};

/// What can be a hint: a text, or one that may be missing.
pub(super) trait IntoHint {
    fn into_hint(self) -> Option<String>;
}

impl IntoHint for &str {
    fn into_hint(self) -> Option<String> {
        Some(self.to_string())
    }
}

impl IntoHint for String {
    fn into_hint(self) -> Option<String> {
        Some(self)
    }
}

impl<T: IntoHint> IntoHint for Option<T> {
    fn into_hint(self) -> Option<String> {
        self.and_then(IntoHint::into_hint)
    }
}
